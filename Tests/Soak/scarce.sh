#!/usr/bin/env bash
# Limits that a machine sets: too few threads (`ulimit -u`), from one on, where tandem must say so or work; and too little memory
# (a control group), where the kernel kills it in the middle of a transaction of SIZE MB (2000) again and again, and with room for
# limits.memory and its constant (192 MB for 64) the next start must go on without a loss. Needs root: threads are counted for an
# account of its own, and control groups are made below /sys/fs/cgroup.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/clusters.sh"

size=${SIZE:-2000} few=${FEW_MB:-20} enough=${ENOUGH_MB:-192}
migration=soak
[ "$(id -u)" -eq 0 ] || fail 'Control groups need root.'
# Nobody's: nothing else of this machine runs as this number.
account=54321
if [ -d /sys/fs/cgroup/memory ]; then
    group=/sys/fs/cgroup/memory/tandem-soak-$$ limit=memory.limit_in_bytes
else
    group=/sys/fs/cgroup/tandem-soak-$$ limit=memory.max
    grep -qw memory /sys/fs/cgroup/cgroup.subtree_control || echo +memory >/sys/fs/cgroup/cgroup.subtree_control ||
        fail 'This machine lets nobody limit memory.'
fi

open_world scarce
trap 'ended=$?; remove_group; close_world $ended' EXIT
remove_group() { # Only what this script has started is in it.
    local left=100
    [ -d "$group" ] || return 0
    while ! rmdir "$group" 2>/dev/null && [ $((left--)) -gt 0 ]; do kill -KILL $(cat "$group/cgroup.procs") 2>/dev/null || true; sleep 0.1; done
}
mkdir "$group"
make_cluster old 'fsync=off logical_decoding_work_mem=64kB wal_sender_timeout=30s max_wal_size=16GB'
make_cluster new 'fsync=off max_wal_size=16GB'
start_cluster old
start_cluster new
write_configuration 'limits: {memory: 64MB}'
mkdir -m 700 "$world/spill" "$world/evidence"
echo "spill: $world/spill
evidence: $world/evidence" >>"$world/tandem.yaml"
both 'CREATE TABLE t (id bigint PRIMARY KEY, v text)'
prepare_and_release
chown -R "$account" "$world/spill" "$world/evidence"
report='' failed=0
note() {
    local line
    line=$(printf '  %-28s %s' "$1" "$2")
    echo "$line"
    report+=$line$'\n'
}
slot_not_ahead() { [ "$(q old "SELECT '$(confirmed)'::pg_lsn <= coalesce('$(progress)', '0/0')::pg_lsn")" = t ]; }

# Ended or going on, it has to name the limit; or it has to follow.
for threads in 1 2 3 4 5 6 7 8 9 10 12; do
    q old "INSERT INTO t SELECT -($threads * 1000 + i), 'few' FROM generate_series(1, 100) i"
    status=0
    timeout -k 10 15 setpriv --reuid "$account" --regid "$account" --clear-groups prlimit --nproc="$threads" \
        "$tandem" run --until caught-up --config "$world/tandem.yaml" >"$world/few.log" 2>&1 || status=$?
    named=$(grep -c 'cannot start a thread.*ulimit -u' "$world/few.log" || true)
    case $status in
    0) note "threads: $threads" 'follows' ;;
    1 | 124) note "threads: $threads" "$([ "$status" = 1 ] && echo 'ends (1)' || echo 'tries again'), and names the limit"; [ "$named" -gt 0 ] || failed=1 ;;
    *) note "threads: $threads" "ENDED with $status: $(tail -n 1 "$world/few.log")"; failed=1 ;;
    esac
    slot_not_ahead || { failed=1; note "threads: $threads" 'THE SLOT IS AHEAD'; }
done
[ "$status" = 0 ] || { failed=1; note 'threads' 'NEVER FOLLOWS'; }
chown -R root "$world/spill" "$world/evidence"

start_within() { # MEGABYTES
    echo $(($1 << 20)) >"$group/$limit"
    # A file's pages may stay counted for whoever wrote it; only a process has the kernel kill.
    background run bash -c 'echo $$ >"$1/cgroup.procs" && exec "$2" run --config "$3"' bash "$group" "$tandem" "$world/tandem.yaml"
    run=$started
}
background writer psql -XAtq -v ON_ERROR_STOP=1 -d "$(address old)" \
    -c "INSERT INTO t SELECT i, repeat(md5(i::text), 15) FROM generate_series(1, $size * 2000) i"
writer=$started
killed=0 before=$(progress)
for attempt in 1 2 3; do
    start_within "$few"
    # What a transaction of that size needs beside the pages of files, which a kernel takes away first, may be less.
    while is_running "$run"; do
        [ "$(q new 'SELECT count(*) FROM t WHERE id > 0')" = 0 ] || fail "FAILED: $few MB (FEW_MB) are enough: nothing is killed"
        sleep 0.2
    done
    status=0
    wait "$run" || status=$?
    [ "$status" = 137 ] || fail "FAILED: with $few MB it ended with $status: $(tail -n 3 "$world/run.log")"
    killed=$((killed + 1))
    slot_not_ahead || { failed=1; note 'memory' 'THE SLOT IS AHEAD'; }
    [ "$(q new 'SELECT count(*) FROM t WHERE id > 0')" = 0 ] || { failed=1; note 'memory' 'PART OF A TRANSACTION IS ON NEW'; }
done
streamed=$(grep -c event=streaming "$world/run.log" || true)
note "memory: $few MB" "killed by the kernel $killed times of $attempt, $streamed times while it streamed; nothing of the transaction on new"
wait "$writer" || fail "the writer: $(tail -n 2 "$world/writer.log")"
q old "INSERT INTO t VALUES (0, 'last')"
began=$(now)
start_within "$enough"
patience=$((SECONDS + 60 + size))
until [ "$(q new 'SELECT count(*) FROM t WHERE id = 0')" = 1 ]; do
    is_running "$run" || { wait "$run" || status=$?; fail "FAILED: with $enough MB it ended with $status: $(tail -n 3 "$world/run.log")"; }
    [ "$SECONDS" -lt "$patience" ] || fail "FAILED: new does not catch up: $(tail -n 3 "$world/run.log")"
    sleep 0.5
done
note "memory: $enough MB" "goes on: $((size)) MB in one transaction on new $(since "$began") s after the start, peak $(($(awk '/VmHWM/ { print $2 }' "/proc/$run/status") / 1024)) MB"
end_background "$run"
verdict=passed
[ "$failed" -eq 0 ] || verdict=FAILED
slot_not_ahead || verdict='FAILED: the slot is ahead'
[ "$(content old t)" = "$(content new t)" ] || verdict='FAILED: the sides differ'
cat <<END

soak scarce: $verdict
${report}  rows                         $(content new t | cut -d' ' -f1), equal
END
[ "$verdict" = passed ]
