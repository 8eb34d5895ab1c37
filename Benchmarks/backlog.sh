#!/usr/bin/env bash
# How fast a backlog is worked off: 200,000 pgbench transactions (times SCALE, the first argument) on old, then drained
# again and again on the same two clusters, RUNS times each: by tandem, by a native subscription, and by pg_recvlogical
# to nowhere, which is the floor: decoding and sending alone. Before each drain new is put back to the files it had
# before the load, and the slot to a copy of the one from before the load.
#
# The clock: tandem, the whole process from exec to exit of `run --until caught-up`, so connecting and the last flush
# count; the subscription, from ENABLE until new shows the last row; pg_recvlogical, the whole process.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/clusters.sh"

factor=${1:-${SCALE:-1}}
runs=${RUNS:-3}
scale=${PGBENCH_SCALE:-20}
clients=8
each=$(awk -v f="$factor" -v c=$clients 'BEGIN { n = int(200000 * f / c); print n < 1 ? 1 : n }')
migration=bench
limit=300
TIMEFORMAT='%R %U %S'

open_world bench
settings='shared_buffers=256MB checkpoint_timeout=30min max_wal_size=8GB autovacuum=off log_checkpoints=off'
make_cluster old "$settings"
make_cluster new "$settings"
start_cluster old
start_cluster new

echo "Loading: pgbench scale $scale on both sides"
pgbench -i -q -s "$scale" "$(address old)" >"$world/init.log" 2>&1
q old 'ALTER TABLE pgbench_history REPLICA IDENTITY FULL; CREATE TABLE final (id int PRIMARY KEY)'
pg_dump -d "$(address old)" | psql -Xq -v ON_ERROR_STOP=1 -d "$(address new)" >/dev/null
write_configuration
prepare_and_release
q old "CREATE PUBLICATION native FOR TABLE pgbench_accounts, pgbench_branches, pgbench_tellers, pgbench_history, final"
q old "SELECT pg_create_logical_replication_slot('native_before', 'pgoutput');
       SELECT pg_copy_logical_replication_slot('$stream', 'tandem_before')" >/dev/null
q new "CREATE SUBSCRIPTION native CONNECTION '$(address old)' PUBLICATION native
       WITH (slot_name = 'native', create_slot = false, enabled = false, copy_data = false)"
stop_cluster new
as_server cp -a --reflink=auto "$world/new/data" "$world/new/before"

transactions=$((each * clients))
echo "Writing the backlog: $transactions transactions, $clients clients"
PGOPTIONS='-c synchronous_commit=off' pgbench -n -c $clients -j 2 -t "$each" "$(address old)" >"$world/load.log" 2>&1
q old "INSERT INTO final VALUES (1)"
q old CHECKPOINT
end=$(q old 'SELECT pg_current_wal_flush_lsn()')
wal=$(q old "SELECT pg_size_pretty('$end'::pg_lsn - '$position'::pg_lsn)")
expected=$(for table in accounts branches tellers history; do content old pgbench_$table; done)

slot_again() { # NAME COPY-OF
    local left=200
    until [ -z "$(q old "SELECT 1 FROM pg_replication_slots WHERE slot_name = '$1' AND active")" ]; do
        [ $((left--)) -gt 0 ] || fail "slot $1 stays in use"
        sleep 0.1
    done
    q old "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '$1';
           SELECT pg_copy_logical_replication_slot('$2', '$1'); CHECKPOINT" >/dev/null
}

new_again() {
    stop_cluster new immediate 2>/dev/null || true
    as_server rm -rf "$world/new/data"
    as_server cp -a --reflink=auto "$world/new/before" "$world/new/data"
    sync -f "$world/new/data"
    start_cluster new
}

check() {
    local found
    found=$(for table in accounts branches tellers history; do content new pgbench_$table; done)
    [ "$found" = "$expected" ] || fail "FAILED: after $1 new differs from old"
}

floor() {
    slot_again floor native_before
    { time pg_recvlogical -d "$(address old)" --slot floor --start --no-loop --endpos "$end" -f /dev/null \
        -o proto_version=1 -o publication_names=native >/dev/null 2>&1; } 2>"$world/time"
    read -r real user system <"$world/time"
}

native() {
    slot_again native native_before
    new_again
    local began
    began=$(now)
    q new 'ALTER SUBSCRIPTION native ENABLE'
    q new "DO \$\$ BEGIN
             FOR i IN 1 .. $limit * 100 LOOP
               IF EXISTS (SELECT FROM final) THEN RETURN; END IF;
               PERFORM pg_sleep(0.01);
             END LOOP;
             RAISE 'the subscription did not catch up';
           END \$\$"
    real=$(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.3f", b - a }') user=- system=-
    q new 'ALTER SUBSCRIPTION native DISABLE'
    check 'the subscription'
}

by_tandem() {
    slot_again "$stream" tandem_before
    new_again
    { time "$tandem" run --until caught-up --config "$world/tandem.yaml" 2>"$world/run.log"; } 2>"$world/time" ||
        fail "tandem run: $(tail -n 5 "$world/run.log")"
    read -r real user system <"$world/time"
    check tandem
}

median() { sort -n "$1" | awk '{ v[NR] = $1 } END { printf "%.2f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

for run in $(seq "$runs"); do
    # Who goes first changes, so that neither always finds the warmer machine.
    order='floor native by_tandem'
    [ $((run % 2)) -eq 1 ] || order='floor by_tandem native'
    for who in $order; do
        $who
        echo "$real $user $system" >>"$world/$who.times"
        echo "run $run  $who  $real s"
    done
done

floor=$(median "$world/floor.times")
native=$(median "$world/native.times")
ours=$(median "$world/by_tandem.times")
row() { # TITLE SECONDS FILE
    printf '%-28s %9s %14s %12s %12s   %s\n' "$1" "$2" "$(awk -v t=$transactions -v s="$2" 'BEGIN { printf "%d", t / s }')" \
        "$(awk -v a="$2" -v b="$floor" 'BEGIN { printf "%.2f", a / b }')" \
        "$(awk -v a="$2" -v b="$native" 'BEGIN { printf "%.2f", a / b }')" "$(cut -d' ' -f1 "$3" | tr '\n' ' ')"
}
cat <<END

backlog: $transactions pgbench transactions (scale $scale, $clients clients), $wal of log
$(q old 'SHOW server_version' | sed 's/^/PostgreSQL /'), both servers and the replicator on $(nproc) processors; $runs runs, medians in seconds
END
printf '%-28s %9s %14s %12s %12s   %s\n' '' seconds transactions/s 'to floor' 'to native' runs
row 'pg_recvlogical to /dev/null' "$floor" "$world/floor.times"
row 'native subscription' "$native" "$world/native.times"
row 'tandem' "$ours" "$world/by_tandem.times"
echo "tandem's own processor time, user and system, by run: $(cut -d' ' -f2,3 "$world/by_tandem.times" | paste -sd, | sed 's/,/, /g') s"
