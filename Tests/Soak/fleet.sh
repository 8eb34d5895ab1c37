#!/usr/bin/env bash
# A fleet of four instances is taken from old to new and back while it serves, 1 to 6 to 1 by `tandem advance` and `back`, one
# instance after another in random order, and nobody stops. Tandem is killed at random, `run` as well as the commands; an instance
# is killed; while errors on new are swallowed, new is out of reach for ten seconds twice: its server crashes, and a network drops
# everything without a word. Before steps that want it both sides are compared and new is analyzed, as an operator does. In the end
# the ledger must be clean on both sides, both must be the same, and no client may have met an error that the guide does not name.
# Needs root, for the network.
#
#     RATE    operations a second of each instance, 60 unless set
#     KILLS   how often tandem is killed, 20 unless set
#     ROUNDS  how often there and back, 1 unless set
#     AWAY    for how many seconds new is out of reach each time, 10 unless set
#     SEED    of what happens when
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/clusters.sh"
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/network.sh"

rate=${RATE:-60}
kills=${KILLS:-20}
RANDOM=${SEED:=$$}
migration=soak
initial_copy=all
names='web-1 web-2 web-3 web-4'

open_world fleet
open_network new
# What the guide asks of new for: who is gone without a word is noticed, and does not keep rows locked.
make_cluster old 'max_wal_senders=10 max_connections=200'
make_cluster new "max_connections=200 listen_addresses='0.0.0.0' tcp_keepalives_idle=3 tcp_keepalives_interval=1 \
    tcp_keepalives_count=3 tcp_user_timeout=5000 idle_in_transaction_session_timeout=10000"
trust_network new
start_cluster old
start_cluster new
there="host=${net[new]}.2 user=postgres dbname=$database"
# As the guide asks of instances: two seconds without an answer from the network are enough.
patient="connect_timeout=2 tcp_user_timeout=2000 keepalives_idle=1 keepalives_interval=1 keepalives_count=2"
shop=$world/shop
# pg_dump of another version is not at hand: there both sides are loaded alike, and nothing is copied.
loaded=(--old "$(address old)")
if [ ${#releases[@]} -gt 0 ]; then
    initial_copy=none
    loaded+=(--new "$(address new)")
fi
"$tandem" bookstore load --dir "$shop" "${loaded[@]}" --books 2000 --accounts 200
write_configuration "strategy: dual-write
fleet: [\"web-*\"]
gates: {quiet: 3s, lag: 60s}
limits: {pause: 5s}
evidence: $world/evidence"
sed -i 's/^data_a:.*/data_a: ["bookstore.*"]/' "$world/tandem.yaml"
[ $initial_copy = all ] || prepare_and_release
sed -i "s#^    new: .*#    new: $there#" "$world/tandem.yaml"
tandem() { inside "$tandem" "$@" --config "$world/tandem.yaml"; }

run='' killed=0 deaths=0 tries=0
start_run() {
    background run ip netns exec "$runner" "$tandem" run --config "$world/tandem.yaml"
    run=$started
}
kill_run() {
    [ $killed -lt "$kills" ] || return 0
    kill -KILL -- "-$run" 2>/dev/null || true
    wait "$run" 2>/dev/null || true
    killed=$((killed + 1))
    start_run
}
declare -A instances=()
serve() {
    background "$1" ip netns exec "$runner" "$tandem" bookstore instance "$1" --json --dir "$shop" --old "$(address old)" \
        --new "$there $patient" \
        --rate "$rate" --mode "$2"
    instances[$1]=$started
}
for_all_alive() {
    local name
    for name in $names; do
        is_running "${instances[$name]}" || fail "FAILED: $name ended by itself: $(tail -n 2 "$world/$name.log")"
    done
}
# Gates that wait for something are asked again; now and then the command is killed on its way, and asked again as well.
move() {
    local way=$1 began=$EPOCHREALTIME pid try status is_there
    : >"$world/move.log"
    for try in $(seq 1 90); do
        for_all_alive
        tries=$((tries + 1))
        background move ip netns exec "$runner" "$tandem" "$way" --config "$world/tandem.yaml" --yes --waive rehearsed \
            --waive canary --reason 'a soak'
        pid=$started
        if [ $killed -lt "$kills" ] && [ $((RANDOM % 3)) -eq 0 ]; then
            sleep "$((RANDOM % 2)).$((RANDOM % 10))"
            if is_running "$pid"; then
                kill -KILL -- "-$pid" 2>/dev/null || true
                killed=$((killed + 1))
            fi
        fi
        status=0
        wait "$pid" || status=$?
        # Killed once it had done everything: asked again it would be for the step after this one.
        is_there=$(q old "SELECT step = $2 AND going_to IS NULL FROM tandem.epoch" 2>/dev/null) || true
        if [ "$is_there" = t ] || { [ $status -eq 0 ] && [ "$(q old 'SELECT step FROM tandem.epoch')" = "$2" ]; }; then
            echo "$way to $2 in $(since "$began") s, asked $try times; $(tail -n 40 "$world/move.log" | grep -o 'writers were held for.*' | tail -n 1)"
            return
        fi
        is_running "$run" || start_run
        sleep 0.5
    done
    fail "FAILED: tandem $way to $2: $(tail -n 30 "$world/move.log")"
}
# One after another, in any order.
deploy() {
    local name
    for name in $(printf '%s\n' $names | shuf --random-source=<(yes "$RANDOM")); do
        "$tandem" bookstore set "$name" --mode "$1" --dir "$shop" >/dev/null || fail "FAILED: $name does not go into mode $1"
        sleep "$((RANDOM % 2)).$((RANDOM % 10))"
        [ $((RANDOM % 3)) -ne 0 ] || kill_run
        if [ $((RANDOM % 6)) -eq 0 ]; then
            kill -KILL -- "-${instances[$name]}" 2>/dev/null || true
            wait "${instances[$name]}" 2>/dev/null || true
            deaths=$((deaths + 1))
            serve "$name" "$1"
        fi
    done
    for_all_alive
    echo "mode $1 everywhere"
}
# The operator's part, while everybody writes: `verify`, where a row that never stands still is no difference, and statistics.
compare() {
    local left=20 out
    q new 'ANALYZE'
    while [ $((left--)) -gt 0 ]; do
        if out=$(tandem verify 2>&1); then
            echo "under load: $(echo "$out" | tail -n 1 | sed 's/^ *//')"
            return
        fi
        ! echo "$out" | grep ' differs' >/dev/null || { echo "$out"; fail 'FAILED: the sides differ'; }
        sleep 1
    done
    fail "FAILED: cannot be compared: $(echo "$out" | tail -n 5)"
}
# Nobody's instance ends of it, and what was missed is made good.
new_is_away() {
    if [ "$1" = crashed ]; then stop_cluster new immediate; else both_ways new; fi
    sleep "${AWAY:-10}"
    if [ "$1" = crashed ]; then start_cluster new; else mend; fi
    for_all_alive
    # Started while new was away it has ended, as it should: whoever supervises it starts it again.
    is_running "$run" || start_run
    sleep 5
    echo "new was away for ${AWAY:-10} s: $1; since then in the ledger of twins: $(q old \
        'SELECT sum(matched) || $$ matched, $$ || sum(late) || $$ late, $$ || sum(failed + orphan) || $$ made right$$ FROM tandem.twin')"
}

began=$EPOCHREALTIME
start_run
for name in $names; do serve "$name" 1; done
for round in $(seq 1 "${ROUNDS:-1}"); do
    for step in 2 3 4 5 6; do
        case $step in 3 | 5 | 6) compare ;; esac
        move advance $step
        [ $step -ne 2 ] || continue
        deploy $step
        if [ $step -eq 3 ]; then
            new_is_away crashed
            new_is_away 'in a black hole'
        fi
        kill_run
    done
    for step in 5 4 3 2; do
        deploy $((step == 2 ? 1 : step))
        move back $step
        [ $step -eq 3 ] && tandem fleet || true
        kill_run
    done
    move back 1
done
for name in $names; do end_background "${instances[$name]}"; done
while [ $killed -lt "$kills" ]; do
    kill_run
    sleep 1
done
end_background "$run"
tandem run --until caught-up 2>"$world/last.log" || fail "run: $(tail -n 5 "$world/last.log")"
tandem verify | tail -n 1
tandem verify >/dev/null || fail 'FAILED: the sides differ'
"$tandem" bookstore check --dir "$shop" --old "$(address old)" --new "$(address new)" || fail 'FAILED: the ledger'
# What clients met in the end, after trying again: nothing, but for what nobody can decide, a COMMIT whose answer never came.
python3 - "$world"/web-?.log <<'PY' || fail 'FAILED: errors that clients met'
import json, sys, collections
served, failed, unknown = 0, collections.Counter(), collections.Counter()
retried, swallowed, longest = collections.Counter(), collections.Counter(), 0
for path in sys.argv[1:]:
    for line in open(path, errors='replace'):
        try: report = json.loads(line)
        except ValueError: continue
        longest = max(longest, report.get('longest_wait', 0))
        # The last one has the sum of the others.
        if report.get('is_last'): continue
        counts = report['counts']
        served += counts['writes'] + counts['reads'] + counts['declined']
        for total, what in (failed, 'errors'), (unknown, 'unknown'), (retried, 'retries'), (swallowed, 'swallowed'):
            total.update(counts[what])
print(f'served {served}, longest wait {longest:.2f} s; tried again {dict(retried)}; swallowed in mode 3 {dict(swallowed)}')
print(f'told to clients: {dict(failed)}; COMMIT not answered: {dict(unknown)}')
sys.exit(1 if failed else 0)
PY
echo "fleet: there and back in $(since "$began") s, tandem killed $killed times, instances $deaths times, seed $SEED"
