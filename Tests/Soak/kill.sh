#!/usr/bin/env bash
# Exactly once, whatever dies: eight writers insert into a table without a key, where a row applied twice stays twice,
# while `tandem run` is killed (-9) and started again, COUNT times at random moments. Every CRASH_EVERY-th time new's
# whole server dies with it, and then the slot must not be ahead of what new still has. All along, 20 times a second,
# the slot's confirmed position (read first) must not be ahead of new's origin. In the end both tables must be equal as
# multisets. Beside the writers one more commits 20,000 rows one by one, as fast as it can, again and again: while that lasts, and
# while what lay ready is caught up with after a kill, messages are left to gather, which is looked for from outside (see
# rests.py). COUNT, SEED, RATE, CRASH_EVERY (0: never) and OVER (see clusters.sh) may be set in the environment.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/clusters.sh"

count=${COUNT:-200}
seed=${SEED:-$(date +%s)}
rate=${RATE:-400}
crash_every=${CRASH_EVERY:-20}
migration=soak
RANDOM=$seed

open_world kill
settings='fsync=off logical_decoding_work_mem=64kB autovacuum=off max_connections=60 log_checkpoints=off'
make_cluster old "$settings"
# What is not flushed on purpose shall be lost in a crash.
make_cluster new "$settings wal_writer_delay=5s"
start_cluster old
start_cluster new
write_configuration 'limits: {memory: 32MB}'

# Rows of `echo` are equal to many others: nothing but counting finds a doubled one.
both "CREATE TABLE event (writer int, number bigint, note text);
      CREATE TABLE echo (writer int);
      ALTER TABLE event REPLICA IDENTITY FULL; ALTER TABLE echo REPLICA IDENTITY FULL"
q old 'CREATE SEQUENCE number' >/dev/null
cat >"$world/small.sql" <<'SQL'
INSERT INTO event VALUES (:client_id, nextval('number'), repeat('x', (random() * 200)::int));
SQL
cat >"$world/mixed.sql" <<'SQL'
BEGIN;
INSERT INTO event VALUES (:client_id, nextval('number'), NULL);
INSERT INTO echo SELECT :client_id FROM generate_series(1, 20);
SAVEPOINT s;
INSERT INTO event VALUES (:client_id, -1, 'rolled back');
ROLLBACK TO s;
COMMIT;
SQL
# Above 64 kB: it streams before it commits.
cat >"$world/large.sql" <<'SQL'
INSERT INTO event SELECT :client_id, nextval('number'), repeat('y', 100) FROM generate_series(1, 2000);
SQL
q old "CREATE PROCEDURE flood() LANGUAGE plpgsql AS \$\$ BEGIN
    SET synchronous_commit = off;
    LOOP
        FOR i IN 1 .. 20000 LOOP INSERT INTO event VALUES (8, nextval('number'), 'flood'); COMMIT; END LOOP;
        PERFORM pg_sleep(4 * random());
    END LOOP;
END \$\$"
prepare_and_release

background writers pgbench -n -c 8 -j 2 -T 86400 --rate "$rate" -f "$world/small.sql@700" -f "$world/mixed.sql@296" \
    -f "$world/large.sql@4" "$(address old)"
writers=$started
background flood psql -Xq -d "$(address old)" -c 'CALL flood()'
flood=$started
background rests python3 "$(dirname "${BASH_SOURCE[0]}")/rests.py" "$world/tandem.yaml"
rests=$started

# The slot is read through dblink before the origin is: the scan comes before the select list. One line a sample.
q new 'CREATE EXTENSION dblink' >/dev/null
cat >"$world/sample.sql" <<SQL
SELECT FROM (SELECT dblink_connect('old', '$(address old)')) AS connected;
SELECT s.confirmed, p.progress, s.confirmed > p.progress
  FROM dblink('old', \$\$SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = '$stream'\$\$)
       AS s(confirmed pg_lsn), LATERAL (SELECT max(pg_replication_origin_progress(roname, s.confirmed IS NULL)) AS progress
       FROM pg_replication_origin WHERE roname IN ('$stream', '${stream}_2')) AS p
\watch 0.05
SQL
start_sampling() {
    background samples psql -XAt -d "$(address new)" -f "$world/sample.sql"
    sampler=$started
}

check_samples() {
    if grep -q '|t$' "$world/samples.log"; then
        fail "FAILED: the slot was ahead of new: $(grep -m 3 '|t$' "$world/samples.log")"
    fi
}

wait_until_free() {
    local left=600
    while [ -n "$(q old "SELECT 1 FROM pg_replication_slots WHERE slot_name = '$stream' AND active")" ]; do
        [ $((left--)) -gt 0 ] || fail 'the slot stays in use after its replicator was killed'
        sleep 0.05
    done
}

crashes=0
crash_new() {
    local told kept
    end_background "$sampler"
    stop_cluster new immediate
    kill -KILL "$replicator"
    wait "$replicator" 2>/dev/null || true
    wait_until_free
    told=$(confirmed)
    start_cluster new
    kept=$(progress)
    if [ "$(q old "SELECT '$told'::pg_lsn > '$kept'::pg_lsn")" = t ]; then
        fail "FAILED: new was crashed and is at $kept; the slot had been told $told"
    fi
    crashes=$((crashes + 1))
    start_sampling
}

start_sampling
began=$SECONDS
killed=0 ended=0
while [ "$killed" -lt "$count" ]; do
    background run "$tandem" run --config "$world/tandem.yaml"
    replicator=$started
    sleep "$(awk -v r=$RANDOM 'BEGIN { printf "%.3f", 0.2 + 2.8 * r / 32768 }')"
    if ! is_running "$replicator"; then
        ended=$((ended + 1))
        echo "tandem run ended by itself: $(tail -n 2 "$world/run.log")" >&2
    fi
    killed=$((killed + 1))
    if [ "$crash_every" -gt 0 ] && [ $((killed % crash_every)) -eq 0 ]; then
        crash_new
    else
        kill -KILL "$replicator" 2>/dev/null || true
        wait "$replicator" 2>/dev/null || true
    fi
    check_samples
    is_running "$writers" || fail "the writers ended: $(tail -n 3 "$world/writers.log")"
    is_running "$flood" || fail "the flood ended: $(tail -n 3 "$world/flood.log")"
    [ $((killed % 20)) -ne 0 ] || echo "$killed of $count kills, $((SECONDS - began)) s"
done
duration=$((SECONDS - began))
end_background "$writers"
q old "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CALL flood%'" >/dev/null
end_background "$flood"
end_background "$sampler"
catching=$(now)
tandem run --until caught-up >>"$world/run.log" 2>&1 || fail "tandem run: $(tail -n 5 "$world/run.log")"
catching=$(since "$catching")
check_samples
end_background "$rests"
read -r looks rests <"$world/rests.log"

samples=$(grep -c '|f$' "$world/samples.log" || true)
moved=$(grep '|f$' "$world/samples.log" | cut -d'|' -f1 | sort -u | wc -l)
transactions=$(q old "SELECT count(DISTINCT xmin::text::bigint) FROM event")
verdict=passed
report=''
for table in event echo; do
    old_content=$(content old "$table")
    new_content=$(content new "$table")
    if [ "$old_content" = "$new_content" ]; then
        report+="  $table            ${old_content% *} rows, every one exactly once on new"$'\n'
    else
        report+="  $table            DIFFERENT: old has $old_content, new has $new_content"$'\n'
        verdict=FAILED
    fi
done
[ "$ended" -eq 0 ] && [ "$samples" -gt 0 ] && [ "$moved" -gt 1 ] || verdict=FAILED
[ "$over" = socket ] || [ "$rests" -gt 0 ] || verdict=FAILED
doubled=$(q new 'SELECT count(*) - count(DISTINCT number) FROM event')
cat <<END

soak kill: $verdict
  kills            $killed (kill -9 of tandem run, 0.2 to 3 s after its start), in $duration s, seed $seed
  ended by itself  $ended
  crashes of new   $crashes, each with the slot at or behind what new kept
  samples          $samples of slot against origin, $moved different positions, none ahead
  writers          8$([ "$rate" -eq 0 ] || echo ", at most $rate a second"), and a flood of $(q old 'SELECT count(*) FROM event WHERE writer = 8'); $transactions transactions
  left to gather   in $rests of $looks looks at the receiving thread, by $over
${report}  doubled on new   $doubled
  catching up      $catching s after the last kill
END
[ "$verdict" = passed ]
