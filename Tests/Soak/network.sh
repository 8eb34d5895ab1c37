#!/usr/bin/env bash
# A network that fails: tandem, old and new each stand in a network namespace of their own behind a router in a fourth,
# which drops packets without a word, in both directions or one, loses its link, slows down. Timed is how long tandem
# takes to notice, how long the server takes to let go of the dead sessions, how long until it streams again once the
# network is back, and how long SIGTERM takes over a dead network. Once tandem itself stands still for FROZEN seconds (70).
# In the end nothing is lost and nothing doubled. Trial `copy`: the same cuts in the middle of a copy of existing rows, which
# goes on with what it has. Trial `name`: a name comes to mean another address, from IPv6 to IPv4 to another IPv4, while the former one
# is dead. Trial `down`, only when asked for: both sides cut off for DOWN seconds (600).
# Needs root. ONLY="name …" runs some of the trials; RATE (100) rows a second are written on old.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/clusters.sh"
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/network.sh"

migration=soak
patience=${PATIENCE:-40}

open_world network
open_network old new
for side in old new; do
    make_cluster "$side" "fsync=off listen_addresses='0.0.0.0,::' max_connections=50"
    trust_network "$side"
    start_cluster "$side"
done
write_configuration
both 'CREATE TABLE t (id bigserial, v text); ALTER TABLE t REPLICA IDENTITY FULL'
prepare_and_release
sed -i "s#host=$world/old#host=${net[old]}.2#; s#host=$world/new#host=${net[new]}.2#" "$world/tandem.yaml"
echo "INSERT INTO t (v) VALUES (repeat('x', 200))" >"$world/write.sql"
background writers pgbench -n -c 2 -T 86400 --rate "${RATE:-100}" -f "$world/write.sql" "$(address old)"
writers=$started

# Within its namespace only, and while it runs, names mean what that file says.
named=()
begin() {
    : >"$world/run.log"
    background run ip netns exec "$runner" "${named[@]}" "$tandem" run --config "$world/tandem.yaml"
    replicator=$started
    # Before it has streamed once, what it cannot reach ends it.
    local left=1200
    until grep -q 'event=streaming' "$world/run.log"; do
        is_running "$replicator" && [ $((left--)) -gt 0 ] || fail "does not stream: $(tail -n 3 "$world/run.log")"
        sleep 0.1
    done
}
sessions() { q "$1" "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '$stream%'"; }
within() { # within SECONDS COMMAND…: prints how long it took until the command held
    local began limit=$1
    shift
    began=$(now)
    until "$@"; do
        awk -v t="$(since "$began")" -v l="$limit" 'BEGIN { exit t <= l }' && { echo "never ($limit s)"; return 1; }
        sleep 0.1
    done
    since "$began"
}
interrupted() { grep -q 'event="stream interrupted"' "$world/run.log"; }
none_on() { [ "$(sessions "$1")" = 0 ]; }
# Not `is_running`: where this is asked, in a subshell, there are no jobs.
ended() { [ ! -e "/proc/$replicator" ] || grep -q '^State:.Z' "/proc/$replicator/status"; }
here() { [ "$(q new "SELECT coalesce(max(id), 0) >= $1 FROM t")" = t ]; }
caught_up() { local last; last=$(q old "SELECT coalesce(max(id), 0) FROM t"); within "${1:-60}" here "$last"; }

failed=0
report=''
note() {
    local line
    line=$(printf '  %-28s %s' "$1" "$2")
    echo "$line"
    report+=$line$'\n'
    case $2 in *never*) failed=1 ;; esac
}

# cut NAME SIDE COMMAND: a cut that lasts until both ends have noticed it.
cut_until_noticed() {
    local name=$1 side=$2 noticed let_go again
    shift 2
    : >"$world/run.log"
    "$@"
    noticed=$(within "$patience" interrupted) || true
    let_go=$(within "$patience" none_on "$side") || true
    mend
    again=$(caught_up 60) || true
    note "$name" "noticed after $noticed s, $side's sessions gone $let_go s later, again at the end $again s after"
}
asked_to_stop() { # over a dead network
    local side=$1 took
    both_ways "$side"
    sleep "${2:-1}"
    kill -TERM "-$replicator"
    took=$(within 20 ended) || true
    note "SIGTERM, $side cut off ${2:-1} s" "ended after $took s"
    wait "$replicator" || note 'exit code' "never 0 but $?"
    mend
    begin
    caught_up 90 >/dev/null || failed=1
}

wanted() { [ -z "${ONLY:-}" ] || [[ " $ONLY " == *" $1 "* ]]; }
begin
if wanted frozen; then
    kill -STOP "$replicator"
    sleep "${FROZEN:-70}"
    kill -CONT "$replicator"
    note "tandem stopped for ${FROZEN:-70} s" "again at the end $(caught_up 60) s after" || true
fi
caught_up 60 >/dev/null || fail "new does not follow: $(tail -n 3 "$world/run.log")"
for side in old new; do
    wanted hole && cut_until_noticed "$side: black hole" "$side" both_ways "$side"
    wanted there && cut_until_noticed "$side: dropped on the way there" "$side" drop_to "$side"
    wanted back && cut_until_noticed "$side: dropped on the way back" "$side" drop_from "$side"
    if wanted stop; then
        asked_to_stop "$side"
        asked_to_stop "$side" 15
    fi
    if wanted link; then
        : >"$world/run.log"
        link_down "$side"
        sleep 30
        mend
        note "$side: link down for 30 s" "again at the end $(caught_up 60) s after" || true
    fi
    if wanted short; then
        : >"$world/run.log"
        both_ways "$side"
        sleep 8
        mend
        took=$(caught_up 60) || true
        note "$side: black hole of 8 s" "again at the end $took s after, $(interrupted && echo 'a new connection' || echo 'the same connection')"
    fi
    if wanted slow && tc -n "$router" qdisc add dev "${link[$side]}" root tbf rate 400kbit burst 16kbit latency 400ms \
        2>/dev/null; then
        : >"$world/run.log"
        sleep 20
        broken=$(interrupted && echo interrupted || echo 'not interrupted')
        mend
        note "$side: 400 kbit/s for 20 s" "$broken, at the end $(caught_up 60) s after" || true
    fi
    if wanted half; then
        both_ways "$side"
        kill -KILL "-$replicator"
        wait "$replicator" 2>/dev/null || true
        mend
        took=$(now)
        begin
        caught_up 120 >/dev/null || failed=1
        note "$side: half open, runner killed" "the next one has caught up after $(since "$took") s"
    fi
done
mean() { # ADDRESS…: by name, for the side $side
    local address
    { grep -v " $side.soak$" "$world/hosts" || true; for address in "$@"; do echo "$address $side.soak"; done; } >"$world/hosts.next"
    # The file itself, which is mounted elsewhere.
    cat "$world/hosts.next" >"$world/hosts"
}
# From one address of $side to another.
moves() { # WHAT COMMAND-THAT-CUTS COMMAND-THAT-RENAMES
    local noticed again
    : >"$world/run.log"
    $2
    noticed=$(within "$patience" interrupted) || true
    # Nothing of it is known by any other way than the name.
    sleep 3
    $3
    again=$(caught_up 60) || true
    note "$side: $1" "noticed after $noticed s, again at the end $again s after the name means another address"
}
dead_six() { ip -n "$router" -6 rule add to "$six:${net[$side]##*.}::2" blackhole; }
dead_first() { ip -n "$router" rule add to "${net[$side]}.2" blackhole; }
first_dead_second_lives() { mean "$six:${net[$side]##*.}::2" "${net[$side]}.3"; }
if wanted name; then
    end_background "$replicator"
    six=2001:db8:99
    ip netns exec "$router" sysctl -qw net.ipv6.conf.all.forwarding=1
    for place in 0:mr:$runner 1:mo:${ns[old]} 2:mn:${ns[new]}; do
        IFS=: read -r number router_end space_of <<<"$place"
        ip -n "$router" addr add "$six:$number::1/64" dev "$router_end" nodad
        ip -n "$space_of" addr add "$six:$number::2/64" dev eth0 nodad
        ip -n "$space_of" -6 route add default via "$six:$number::1"
    done
    cp /etc/hosts "$world/hosts"
    for side in old new; do
        ip -n "${ns[$side]}" addr add "${net[$side]}.3/24" dev eth0
        echo "host all all $six:0::/64 trust" | as_server tee -a "$world/$side/data/pg_hba.conf" >/dev/null
        q "$side" 'SELECT pg_reload_conf()' >/dev/null
        mean "$six:${net[$side]##*.}::2"
    done
    cp "$world/tandem.yaml" "$world/numbers.yaml"
    sed -i "s#host=${net[old]}.2#host=old.soak#; s#host=${net[new]}.2#host=new.soak#" "$world/tandem.yaml"
    named=(bash -c 'mount --bind "$0" /etc/hosts && exec "$@"' "$world/hosts")
    begin
    for side in old new; do
        from() { q "$side" "SELECT DISTINCT family(client_addr) FROM pg_stat_activity WHERE application_name LIKE '$stream%'"; }
        [ "$(from)" = 6 ] || { failed=1; note "$side" 'is not reached by IPv6'; }
        moves 'IPv6 dies, IPv4' dead_six "mean ${net[$side]}.2"
        [ "$(from)" = 4 ] || { failed=1; note "$side" 'is not reached by IPv4'; }
        moves 'IPv4 dies, another' dead_first "mean ${net[$side]}.3"
        : >"$world/run.log"
        first_dead_second_lives
        q "$side" "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '$stream%'" >/dev/null
        note "$side: the first of two is dead" "again at the end $(caught_up 60) s after its sessions were ended" || true
        while ip -n "$router" -6 rule del type blackhole 2>/dev/null; do :; done
        mend
    done
    end_background "$replicator"
    named=()
    cp "$world/numbers.yaml" "$world/tandem.yaml"
    begin
fi
if [[ " ${ONLY:-} " == *" down "* ]]; then
    : >"$world/run.log"
    both_ways old
    both_ways new
    sleep "${DOWN:-600}"
    is_running "$replicator" || { failed=1; note 'both down' 'never: it has ended'; }
    lines=$(wc -l <"$world/run.log")
    mend
    note "both cut off for ${DOWN:-600} s" "again at the end $(caught_up 120) s after; $lines lines of log meanwhile" || true
fi
parts() { q new 'SELECT count(*) FROM tandem.copied_range'; }
more_parts() { [ "$(parts)" -gt "$1" ] || [ "$(q new "SELECT state FROM tandem.copied_table WHERE table_name = 'big'")" = done ]; }
if wanted copy; then
    end_background "$replicator"
    inside "$tandem" abort --yes --config "$world/tandem.yaml" >>"$world/abort.log" 2>&1 || fail "abort: $(tail -n 3 "$world/abort.log")"
    q new 'TRUNCATE t'
    both 'CREATE TABLE big (id int PRIMARY KEY, v text)'
    q old "INSERT INTO big SELECT i, repeat('x', 200) FROM generate_series(1, 250000) i"
    sed -i 's/^initial_copy: .*/initial_copy: all/' "$world/tandem.yaml"
    echo 'jobs: 2
copy: {range: 256kB}
limits: {copy_rate: 600kB}' >>"$world/tandem.yaml"
    begin
    for side in old new; do
        within 60 more_parts 3 >/dev/null || fail "does not copy: $(tail -n 3 "$world/run.log")"
        had=$(parts)
        : >"$world/run.log"
        both_ways "$side"
        noticed=$(within "$patience" grep -qE 'interrupted|not copied yet' "$world/run.log") || true
        let_go=$(within "$patience" none_on "$side") || true
        mend
        [ "$(parts)" -ge "$had" ] || failed=1
        again=$(within 60 more_parts "$had") || true
        note "$side: black hole in a copy" "noticed after $noticed s, sessions gone $let_go s later, more copied $again s after, $had parts kept"
        both_ways "$side"
        sleep 3
        mend
    done
    done_copying() { [ "$(q new "SELECT bool_and(state = 'done') FROM tandem.copied_table")" = t ]; }
    note 'the whole copy' "complete $(within 240 done_copying) s after the last cut" || failed=1
    caught_up 120 >/dev/null || failed=1
    [ "$(content old big)" = "$(content new big)" ] || { failed=1; note 'table big' 'DIFFERS'; }
    [ "$(q old 'SELECT count(*) FROM pg_replication_slots')" = 1 ] || { failed=1; note 'slots on old' 'more than one'; }
fi
end_background "$writers"
took=$(caught_up 60) || failed=1
end_background "$replicator"
verdict=passed
[ "$failed" -eq 0 ] || verdict=FAILED
[ "$(content old t)" = "$(content new t)" ] || verdict='FAILED: the sides differ'
[ "$(q old "SELECT '$(confirmed)'::pg_lsn <= '$(progress)'::pg_lsn")" = t ] || verdict='FAILED: the slot is ahead'
cat <<END

soak network: $verdict
${report}  rows                         $(content new t | cut -d' ' -f1), every one exactly once
END
[ "$verdict" = passed ]
