#!/usr/bin/env bash
# The switch and the switch back, under load, with something dying at every failpoint of it: the command killed, the command
# stopped (and woken up again once somebody else has seen to it), `tandem run` killed where a stream halts, each server crashed,
# the network between tandem and each server swallowing everything for a while. After each, exactly one side takes writes: the one
# before, and nothing happened; or the other one, and the same command has nothing to do but to complete. Whoever a hook has held
# is let go, to that side. In the end both sides are equal, and the instances' own ledger is content.
#
#     PARTS    what dies: any of `kill stop run servers hole`; `bypass` is there and back again ten times with nothing dying, compared
#              after every flip. All but `hole` unless set: that one wants root and network namespaces
#     PLACES   failpoints of the command, all unless set
#     SIDES    whose server crashes, or is cut off: `old new` unless set
#     HOLE     how long the network is away, 9 seconds unless set: longer than twice limits.pause
#     RATE     operations a second of each of two instances, 30 unless set
#     PAUSE    limits.pause, 3s unless set
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/clusters.sh"
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/network.sh"

parts=${PARTS:-bypass kill stop run servers}
rate=${RATE:-30}
sides=${SIDES:-old new}
hole=${HOLE:-9}
migration=soak
initial_copy=all
places=${PLACES:-after-intent before-hold after-hold after-first-fence after-both-fences after-sentinels after-drained after-settled
    after-charge-position before-flip-commit after-gate-closed after-epoch-committed before-gate-opened after-epoch-copied
    after-gate-opened after-release before-passage-end}
# After the last look at both sides.
looked=' before-flip-commit after-gate-closed '
# From here on the next epoch is committed.
committed=' after-epoch-committed before-gate-opened after-epoch-copied after-gate-opened after-release before-passage-end '

open_world flip
# Where tandem itself stands; the instances, and whoever looks, are never cut off.
at=()
listening=''
case " $parts " in *' hole '*)
    open_network old new
    at=(ip netns exec "$runner")
    listening="listen_addresses='0.0.0.0'"
    ;;
esac
for side in old new; do
    make_cluster "$side" "max_connections=150 wal_sender_timeout=10s $listening"
    [ -z "$listening" ] || trust_network "$side"
    start_cluster "$side"
done
shop=$world/shop
"$tandem" bookstore load --dir "$shop" --old "$(address old)" --books 300 --accounts 60 --keyless
write_configuration "strategy: pause
limits: {pause: ${PAUSE:-3s}}
gates: {lag: 30s, quiet: 2s, verified_within: 30d}
hooks: {on_flip: $world/hook.sh, undo_flip: $world/hook.sh, timeout: 3s}
evidence: $world/evidence"
sed -i 's/^data_a:.*/data_a: ["bookstore.*"]/' "$world/tandem.yaml"
[ -z "$listening" ] || sed -i "s#host=$world/old#host=${net[old]}.2#; s#host=$world/new#host=${net[new]}.2#" "$world/tandem.yaml"
printf '#!/bin/sh\necho "$*" >>%s/hook.log\n' "$world" >"$world/hook.sh"
tandem() { "${at[@]}" "$tandem" "$@" --config "$world/tandem.yaml"; }
chmod +x "$world/hook.sh"

start_run() {
    background run env ${1:+TANDEM_FAILPOINT="$1"} "${at[@]}" "$tandem" run --config "$world/tandem.yaml"
    run=$started
}
ensure_run() { is_running "$run" || start_run; }

# Whether a side takes writes; no row is touched.
takes() {
    PGOPTIONS='-c lock_timeout=500' psql -XAtq -d "$(address "$1")" \
        -c 'UPDATE bookstore.counters SET version = version WHERE false' >/dev/null 2>&1
}
charge() {
    local old=no new=no
    takes old && old=yes
    takes new && new=yes
    # One after the other they may both say yes where charge has moved in between: then the first one does not any more.
    [ $old$new != yesyes ] || takes old || old=no
    case $old$new in yesno) echo old ;; noyes) echo new ;; yesyes) echo BOTH ;; *) echo none ;; esac
}
# Until both sides say the same, nobody is held, and exactly one takes writes.
settled() {
    local left=600 a b
    while [ $((left--)) -gt 0 ]; do
        a=$(q old "SELECT epoch, step, going_held FROM tandem.epoch" 2>/dev/null) || a=old
        b=$(q new "SELECT epoch, step, going_held FROM tandem.epoch" 2>/dev/null) || b=new
        now_in=$(charge)
        [ "$now_in" != BOTH ] || { echo "BOTH IN CHARGE"; return 0; }
        if [ "$a" = "$b" ] && [ "${a%|}" != "$a" ] && [ "$now_in" != none ]; then
            echo "$now_in"
            return 0
        fi
        sleep 0.1
    done
    echo "NOT SETTLED ($a $b $now_in)"
}
streams() {
    local left=600
    until [ "$(q "$1" "SELECT count(*) FROM tandem.stream_status WHERE at > now() - interval '3 s'
                         AND status::json ->> 'state' = 'streaming' AND status::json ->> 'role' = '$2'")" = 1 ]; do
        [ $((left--)) -gt 0 ] || { ensure_run; fail "no stream $2 on $1: $(tail -n 5 "$world/run.log")"; }
        ensure_run
        sleep 0.1
    done
}
# Both streams do what the side in charge asks of them.
ready() { if [ "$1" = old ]; then streams new apply && streams old watch; else streams new watch && streams old apply; fi; }
change() { # FROM [FAILPOINT]
    local back=()
    [ "$1" = old ] || back=(--back)
    { env ${2:+TANDEM_FAILPOINT="$2"} "${at[@]}" "$tandem" switch --config "$world/tandem.yaml" --yes "${back[@]}" \
        --waive canary --waive rehearsed --waive statistics --reason soak >>"$world/switch.log" 2>&1; } 2>/dev/null
}
# Once both streams are there. What they last said of themselves may be from before a server crashed, and what a network held back
# that swallowed everything comes when it is sent again, seconds later: then it is too soon.
change_when_ready() { # FROM
    local left=40
    while [ $((left--)) -gt 0 ]; do
        ready "$1"
        change "$1" && return
        tail -n 5 "$world/switch.log" | grep -E 'gate stream refuses|leaves too little of' >/dev/null || return 1
        sleep 0.25
    done
    return 1
}
other() { if [ "$1" = old ]; then echo new; else echo old; fi; }

background run true
run=$started
start_run
until [ "$(q new "SELECT completed_at IS NOT NULL FROM tandem.copy" 2>/dev/null)" = t ]; do ensure_run; sleep 0.2; done
until [ "$(q old 'SELECT count(*) FROM pg_replication_slots WHERE active')" = 1 ]; do sleep 0.2; done
tandem advance --yes >>"$world/switch.log" 2>&1 || fail "advance: $(tail -n 5 "$world/switch.log")"
ready old
for name in web-1 web-2; do
    background "$name" "$tandem" bookstore instance "$name" --dir "$shop" --old "$(address old)" --new "$(address new)" --follow \
        --strategy pause --rate "$rate" --patience 60s
done
sleep 2
# Each gate once, in either direction.
tandem verify >>"$world/switch.log" 2>&1 || fail 'the sides differ'
change old || fail "switch: $(tail -n 5 "$world/switch.log")"
ready new
tandem verify >>"$world/switch.log" 2>&1 || fail 'the sides differ'
change new || fail "switch --back: $(tail -n 5 "$world/switch.log")"
ready old

failed=0
report=''
line() {
    local text
    text=$(printf '  %-10s %-24s %-8s %s' "$@")
    echo "$text"
    report+=$text$'\n'
}
judge() { # WHAT PLACE FROM EXPECTED SEEN SECONDS
    local verdict="$5 in charge after $6 s"
    if [ "$4" != any ] && [ "$4" != "$5" ] || { [ "$5" != old ] && [ "$5" != new ]; }; then
        verdict="FAILED: $5 instead of $4 after $6 s"
        failed=1
    fi
    # The hook's last word, when there was one.
    case $(tail -n 1 "$world/hook.log" 2>/dev/null) in '' | "go $5" | "undo $5") ;; *)
        verdict+=", FAILED: clients are not led there ($(tail -n 1 "$world/hook.log"))"
        failed=1
        ;;
    esac
    line "$1" "$2" "$3" "$verdict"
}
# What it was to come to is completed by the same command, or done now.
complete() { # FROM
    local from=$1
    ensure_run
    if [ "$(settled)" = "$from" ]; then
        change_when_ready "$from" || { failed=1; echo "FAILED to switch: $(tail -n 3 "$world/switch.log")"; }
    fi
    change "$from" || { failed=1; echo "FAILED when repeated: $(tail -n 3 "$world/switch.log")"; }
    [ "$(settled)" = "$(other "$from")" ] || { failed=1; echo "FAILED: not in charge afterwards"; }
    ready "$(other "$from")"
}
expected() { case $committed in *" $1 "*) other "$2" ;; *) echo "$2" ;; esac; }

killed() {
    local place=$1 from=$2 code=0 began
    change "$from" "$place" || code=$?
    began=$(now)
    [ "$code" = 137 ] || { line kill "$place" "$from" "FAILED: ended with $code"; failed=1; return; }
    judge kill "$place" "$from" "$(expected "$place" "$from")" "$(settled)" "$(since "$began")"
    complete "$from"
}
held_at() { # PLACE FROM: starts it, and returns once it stands at the place. A server that has just come up may be too slow for it.
    local left child try
    for try in 1 2 3; do
        change "$2" "$1/stop" &
        held=$!
        left=600
        while [ $((left--)) -gt 0 ]; do
            child=$(pgrep -P "$held" | head -n 1) || true
            [ -z "$child" ] || [ "$(ps -o stat= -p "$child" | cut -c1)" != T ] || { stopped=$child; return; }
            kill -0 "$held" 2>/dev/null || break
            sleep 0.02
        done
        stopped=''
        echo "  (refused: $(tail -n 1 "$world/switch.log"))"
        ensure_run
        ready "$2"
    done
}
wake() {
    [ -z "$stopped" ] || kill -CONT "$stopped" 2>/dev/null || true
    wait "$held" 2>/dev/null || true
}
stopped_there() {
    local place=$1 from=$2 began seen
    held_at "$place" "$from"
    began=$(now)
    [ -n "$stopped" ] || { line stop "$place" "$from" 'FAILED: never reached'; failed=1; return; }
    # Announced, and nobody held: for the operator to go on with.
    if [ "$place" = after-intent ]; then seen=$(charge); else seen=$(settled); fi
    judge stop "$place" "$from" "$(expected "$place" "$from")" "$seen" "$(since "$began")"
    wake
    judge woken "$place" "$from" any "$(settled)" "$(since "$began")"
    complete "$from"
}
crashed() { # PLACE FROM SERVER
    local place=$1 from=$2 began
    held_at "$place" "$from"
    began=$(now)
    [ -n "$stopped" ] || { line "$3" "$place" "$from" 'FAILED: never reached'; failed=1; return; }
    stop_cluster "$3" immediate
    start_cluster "$3"
    wake
    ensure_run
    judge "$3 crash" "$place" "$from" any "$(settled)" "$(since "$began")"
    complete "$from"
}
# The network swallows everything between tandem and one side for a while, from the place on.
cut_off() { # PLACE FROM SIDE
    local place=$1 from=$2 began seen=''
    held_at "$place" "$from"
    [ -n "$stopped" ] || { line "$3" "$place" "$from" 'FAILED: never reached'; failed=1; return; }
    both_ways "$3"
    kill -CONT "$stopped"
    began=$(now)
    while awk -v t="$(since "$began")" -v l="$hole" 'BEGIN { exit t >= l }'; do
        [ "$(charge)" != BOTH ] || seen=BOTH
        sleep 0.2
    done
    # Where the side in charge can be reached, and nothing is decided, nobody waits for the other one. After the last look it is
    # decided: woken up, the command commits.
    if [ "$3" != "$from" ] && [ "$(expected "$place" "$from")" = "$from" ] && [[ $looked != *" $place "* ]] &&
        { [ "$(charge)" != "$from" ] || [ "$(tail -n 1 "$world/hook.log")" = "hold $from" ]; }; then
        line "$3 away" "$place" "$from" "FAILED: $(charge) in charge, clients $(tail -n 1 "$world/hook.log")"
        failed=1
    fi
    mend
    began=$(now)
    settled >/dev/null
    [ "$seen" = BOTH ] || seen=$(settled)
    judge "$3 away" "$place" "$from" any "$seen" "$(since "$began")"
    wait "$held" 2>/dev/null || true
    complete "$from"
}
replicator_killed() { # PLACE FROM
    local began
    end_background "$run"
    start_run "$1"
    ready "$2"
    began=$(now)
    change "$2" || true
    ensure_run
    judge run "$1" "$2" any "$(settled)" "$(since "$began")"
    end_background "$run"
    start_run
    complete "$2"
}

# What tandem keeps on both sides and their servers, that must not become more; and the log its slots hold, in MB.
kept() {
    local side
    for side in old new; do
        q "$side" "SELECT (SELECT count(*) FROM pg_replication_slots), (SELECT count(*) FROM pg_replication_origin),
            (SELECT count(*) FROM pg_publication), (SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal),
            (SELECT count(*) FROM pg_class WHERE relnamespace = 'tandem'::regnamespace), (SELECT count(*) FROM tandem.heartbeat),
            (SELECT coalesce(max(pg_current_wal_lsn() - restart_lsn), 0)::int8 / 1024 / 1024 / 64 FROM pg_replication_slots)"
    done | tr '\n' ' '
}
bypass() {
    local before='' after round
    for round in $(seq 10); do
        for side in old new; do
            change "$side" || { failed=1; echo "FAILED: $(tail -n 3 "$world/switch.log")"; return; }
            ready "$(other "$side")"
            tandem verify >"$world/verify.log" 2>&1 ||
                { failed=1; echo "FAILED: the sides differ: $(grep -v equal "$world/verify.log" | head -n 3)"; }
        done
        after=$(kept)
        [ -n "$before" ] || before=$after
    done
    [ "$before" = "$after" ] || { failed=1; echo "FAILED: there was $before, there is $after"; }
    line bypass 'ten times' old "equal after each of 20; longest $(grep -o 'writers were held for [0-9]* ms' "$world/switch.log" |
        awk '{ print $5 }' | sort -n | tail -n 1) ms, median $(grep -o 'writers were held for [0-9]* ms' "$world/switch.log" |
        awk '{ print $5 }' | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }') ms"
}

from=old
rounds() { # FUNCTION PLACE [MORE]: forward, then back
    for _ in 1 2; do
        "$1" "$2" "$from" ${3:+"$3"}
        from=$(other "$from")
    done
}
for part in $parts; do
    case $part in
        bypass) bypass ;;
        kill) for place in $places; do rounds killed "$place"; done ;;
        stop) for place in $places; do rounds stopped_there "$place"; done ;;
        run)
            for place in at-sentinel at-sentinel:2 at-sentinel:3 after-sentinel-durable after-sentinel-durable:9; do
                rounds replicator_killed "$place"
            done
            ;;
        servers)
            for place in $places; do for server in $sides; do rounds crashed "$place" "$server"; done; done
            ;;
        hole) for place in $places; do for side in $sides; do rounds cut_off "$place" "$side"; done; done ;;
        *) fail "PARTS: what is $part?" ;;
    esac
done

for name in web-1 web-2; do
    for pid in $(jobs -pr); do [ "$(ps -o args= -p "$pid" | grep -c "bookstore instance $name ")" = 0 ] || end_background "$pid"; done
done
ensure_run
ready "$from"
sleep 3
verdict=passed
tandem verify >"$world/verify.log" 2>&1 || { verdict="FAILED: the sides differ: $(grep -v equal "$world/verify.log" | head -n 3)"; }
"$tandem" bookstore check --dir "$shop" --old "$(address old)" --new "$(address new)" >"$world/check.log" 2>&1 || verdict='FAILED: the ledger'
[ "$failed" = 0 ] || verdict=FAILED
cat <<END

soak flip: $verdict
$report
$(cat "$world/check.log")
END
[ "$verdict" = passed ]
