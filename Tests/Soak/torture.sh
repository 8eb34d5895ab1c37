#!/usr/bin/env bash
# Tables of every shape under every fault: TABLES tables (types × identities × partitions × names, new's made differently)
# are written by WRITERS writers for TIME seconds: inserts, updates, key changes, deletes, truncates, savepoints rolled
# back, prepared and large transactions, harmless DDL. Meanwhile tandem is killed (-9), both servers crash (immediate), and
# sessions are terminated. In the end both sides must be equal to the byte, and no row was ever found different.
# SEED repeats the choices (not their interleaving); TRAVEL is text or binary, by the seed's parity when not given; RATE is
# transactions a second of each writer; TANDEM_TEST_OLD and TANDEM_TEST_NEW are the versions of the servers. Needs Python 3.
# KEEP=1 leaves everything behind.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/clusters.sh"

duration=${TIME:-600}
seed=${SEED:-$(date +%s)}
count=${TABLES:-500}
writers=${WRITERS:-3}
rate=${RATE:-25}
travel=${TRAVEL:-$([ $((seed % 2)) -eq 0 ] && echo text || echo binary)}
parts=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/torture
migration=torture
RANDOM=$((seed % 32768))
command -v python3 >/dev/null || fail 'This soak needs Python 3.'
export PYTHONDONTWRITEBYTECODE=1

open_world torture
settings='fsync=off logical_decoding_work_mem=64kB max_connections=60 log_checkpoints=off max_locks_per_transaction=1024
    max_prepared_transactions=20 wal_sender_timeout=10s log_error_verbosity=terse'
make_cluster old "$settings"
make_cluster new "$settings wal_writer_delay=2s"
start_cluster old
start_cluster new
for side in old new; do
    python3 "$parts/tables.py" "$side" "$seed" "$count" "$travel" >"$world/tables-$side.sql"
    psql -XAtq -v ON_ERROR_STOP=1 -d "$(address "$side")" -f "$world/tables-$side.sql" >"$world/tables-$side.log" 2>&1 ||
        fail "tables on $side: $(tail -n 3 "$world/tables-$side.log")"
done
write_configuration 'limits: {memory: 32MB}'
sed -i "s/^data_a:.*/data_a: ['public.*', '\"Odd \"\"S\"\"chema\".*', 'select.*']/" "$world/tandem.yaml"
prepare_and_release
echo "torture: seed $seed, $count tables, $travel, ${duration} s; everything in $world"

quiet=$world/quiet
for number in $(seq "$writers"); do
    background "writer-$number" python3 "$parts/writer.py" "$(address old)" "$seed" "$count" "$travel" "$number" "$rate" "$quiet"
    running[number]=$started
done

start_run() {
    background run "$tandem" run --config "$world/tandem.yaml"
    replicator=$started
}

kills=0 crashes_old=0 crashes_new=0 terminated=0 paused=0
kill_run() {
    kill -KILL "$replicator" 2>/dev/null || true
    wait "$replicator" 2>/dev/null || true
    kills=$((kills + 1))
}

# Not while catalogs or tables are being rewritten on old: PostgreSQL may then be unable to decode what it wrote.
crash() {
    [ "$1" != old ] || { touch "$quiet"; sleep 3; }
    stop_cluster "$1" immediate
    [ $((RANDOM % 2)) -eq 0 ] || kill_run
    sleep "0.$((RANDOM % 10))"
    start_cluster "$1"
    rm -f "$quiet"
}

terminate() {
    q "$1" "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'tandem%' AND random() < 0.7" \
        >/dev/null 2>&1 || true
    terminated=$((terminated + 1))
}

began=$SECONDS
start_run
while [ $((SECONDS - began)) -lt "$duration" ]; do
    sleep "$((RANDOM % 7)).$((RANDOM % 10))"
    if ! is_running "$replicator"; then
        echo "tandem run ended by itself: $(tail -n 2 "$world/run.log")" >&2
    else
        case $((RANDOM % 20)) in
        0 | 1) crash old; crashes_old=$((crashes_old + 1)) ;;
        2 | 3) crash new; crashes_new=$((crashes_new + 1)) ;;
        4 | 5) terminate old ;;
        6 | 7) terminate new ;;
        8) kill -STOP "$replicator"; sleep 2; kill -CONT "$replicator"; paused=$((paused + 1)) ;;
        *) kill_run ;;
        esac
    fi
    is_running "$replicator" || start_run
    for number in "${!running[@]}"; do
        is_running "${running[number]}" || fail "writer $number ended: $(tail -n 3 "$world/writer-$number.log")"
    done
done
for writer in "${running[@]}"; do end_background "$writer"; done
q old "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'psql' AND pid <> pg_backend_pid()" >/dev/null
until [ -z "$(q old "SELECT 1 FROM pg_stat_activity WHERE application_name = 'psql' AND pid <> pg_backend_pid()")" ]; do sleep 0.2; done
while read -r gid; do q old "ROLLBACK PREPARED '$gid'" >/dev/null; done < <(q old 'SELECT gid FROM pg_prepared_xacts')
kill_run
kills=$((kills - 1))
catching=$(now)
verdict=passed
"$tandem" run --until caught-up --config "$world/tandem.yaml" >>"$world/run.log" 2>&1 ||
    { verdict=FAILED; echo "FAILED: tandem run: $(tail -n 3 "$world/run.log")" >&2; }
catching=$(since "$catching")
compared=$(python3 "$parts/judge.py" "$(address old)" "$(address new)" "$seed" "$count" "$travel") || verdict=FAILED
differences=$(q new "SELECT coalesce(sum(found), 0) FROM tandem.difference")
blocked=$(grep -c 'event=blocked' "$world/run.log" || true)
# One that starts while a server is down says so and ends, as it should; an ending between two looks counts as well.
ended=$(grep 'event=ended' "$world/run.log" | grep -vc 'reason="connecting to' || true)
[ "$differences" -eq 0 ] && [ "$blocked" -eq 0 ] && [ "$ended" -eq 0 ] || verdict=FAILED
cat <<END

soak torture: $verdict
  what             $count tables, $travel, $writers writers of $rate transactions a second, $duration s, seed $seed
  kills            $kills (kill -9 of tandem run), paused $paused, sessions terminated $terminated times, ended by itself $ended
  crashes          $crashes_old of old, $crashes_new of new (immediate)
  servers          old $(q old 'SHOW server_version'), new $(q new 'SHOW server_version')
  transactions     $(q old 'SELECT txid_current()'), subtransactions counted, in $(q old "SELECT pg_size_pretty(pg_current_wal_lsn() - '0/0'::pg_lsn)") of log on old
$compared
  differences      $differences rows read again, $blocked times blocked
  catching up      $catching s after the end
END
[ "$blocked" -eq 0 ] || grep -h 'event=blocked' "$world/run.log" | head -n 5
[ "$differences" -eq 0 ] || grep -h 'event=difference' "$world/run.log" | head -n 5
[ "$verdict" = passed ]
