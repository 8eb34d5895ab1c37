#!/usr/bin/env bash
# Killed once at every place in the code where that is interesting (`tandem failpoints`), under load: how long until the
# next run streams again, until new has what old had when it was killed, and whether anything was lost or doubled. Rows are
# inserted into a table without a key, where nothing can be mended behind our back; others are changed and deleted, some
# transactions are large, and some rows are not on new as the stream expects them.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/clusters.sh"

migration=soak
patience=${PATIENCE:-120}

open_world failpoints
make_cluster old 'fsync=off logical_decoding_work_mem=64kB max_connections=50'
make_cluster new 'fsync=off wal_writer_delay=2s'
start_cluster old
start_cluster new
write_configuration 'limits: {memory: 4MB}'
both 'CREATE TABLE event (writer int, number bigserial, note text); ALTER TABLE event REPLICA IDENTITY FULL;
      CREATE TABLE keyed (a int PRIMARY KEY, b text); CREATE TABLE differing (a int PRIMARY KEY, b text);
      CREATE TABLE aside (a int PRIMARY KEY)'
# Updated by the load, and not on new: each is a difference that is repaired.
q old "INSERT INTO differing SELECT i, 'x' FROM generate_series(1, 20000) AS i" >/dev/null
q new "INSERT INTO differing SELECT i, 'in the way' FROM generate_series(100001, 120000) AS i" >/dev/null
prepare_and_release
cat >"$world/small.sql" <<'SQL'
\set a random(1, 2000)
INSERT INTO event (writer, note) VALUES (:client_id, repeat('x', 50));
INSERT INTO keyed VALUES (:a, 'x') ON CONFLICT (a) DO UPDATE SET b = keyed.b || 'y' WHERE length(keyed.b) < 50;
SQL
cat >"$world/large.sql" <<'SQL'
BEGIN;
INSERT INTO event (writer, note) SELECT :client_id, md5(i::text) || md5((-i)::text) FROM generate_series(1, 20000) AS i;
SELECT pg_sleep(0.2);
DELETE FROM keyed WHERE a % 7 = :client_id % 7;
COMMIT;
SQL
cat >"$world/differing.sql" <<'SQL'
\set a random(1, 20000)
UPDATE differing SET b = b || 'z' WHERE a = :a;
INSERT INTO differing VALUES (100000 + :a, 'new') ON CONFLICT DO NOTHING;
SQL
background writers pgbench -n -c 4 -T 86400 --rate 150 -f "$world/small.sql@180" -f "$world/differing.sql@20" \
    -f "$world/large.sql@2" "$(address old)"
writers=$started

start_run() {
    : >"$world/run.log"
    background run env ${1:+TANDEM_FAILPOINT="$1"} "$tandem" run --config "$world/tandem.yaml"
    replicator=$started
}
applied() { [ "$(q new "SELECT applied_lsn >= '$1' FROM tandem.stream")" = t ]; }

failed=0
report=''
try() {
    local place=$1 left=$((patience * 20)) began streams caught end verdict=died
    start_run "$place"
    while is_running "$replicator" && [ $((left--)) -gt 0 ]; do sleep 0.05; done
    if is_running "$replicator"; then verdict='NEVER REACHED'; end_background "$replicator"; failed=1; fi
    wait "$replicator" 2>/dev/null && code=0 || code=$?
    [ "$verdict" != died ] || [ "$code" = 137 ] || { verdict="ENDED WITH $code: $(tail -n 1 "$world/run.log")"; failed=1; }
    [ "$(q old "SELECT '$(confirmed)'::pg_lsn <= '$(progress)'::pg_lsn")" = t ] || { verdict='SLOT AHEAD'; failed=1; }
    end=$(q old 'SELECT pg_current_wal_lsn()')
    began=$(now)
    start_run
    left=$((patience * 50))
    until grep -q 'event=streaming' "$world/run.log"; do
        [ $((left--)) -gt 0 ] || fail "does not stream again after $place: $(cat "$world/run.log")"
        sleep 0.02
    done
    streams=$(since "$began")
    left=$((patience * 20))
    until applied "$end"; do
        [ $((left--)) -gt 0 ] || fail "does not catch up after $place: $(tail -n 5 "$world/run.log")"
        sleep 0.05
    done
    caught=$(since "$began")
    end_background "$replicator"
    local line
    line=$(printf '  %-28s %-8s streams again after %5s s, has everything after %5s s' "$place" "$verdict" "$streams" "$caught")
    echo "$line"
    report+=$line$'\n'
}

# Those that only other commands pass are killed in the test suite.
places=$(tandem failpoints | awk '{ print $1 }' | grep -vE '^(after-slot-created|after-origin-created|after-set-aside|during-abort|during-verify-repair|after-verify-repair|after-compared-range|during-batch|before-batch-commit|after-batch-commit|during-comparison|before-triggers|during-triggers|before-hold|after-hold|after-first-fence|after-both-fences|after-sentinels|after-drained|after-settled|after-charge-position|before-flip-commit|after-gate-closed|before-gate-opened|after-gate-opened|after-release|at-sentinel|after-sentinel-durable|during-attendance|after-twin-repair)$')
for place in $places; do
    case $place in
        after-stream-chunk) try "$place:40" ;;
        after-spill-block | after-target-commit | before-target-commit | before-feedback | after-feedback) try "$place:5" ;;
        during-replay)
            # Only a batch that fails otherwise than for a while is replayed.
            q new "INSERT INTO keyed SELECT i, 'in the way' FROM generate_series(1, 2000) AS i ON CONFLICT DO NOTHING;
                   DELETE FROM keyed WHERE a % 3 = 0" >/dev/null
            try "$place"
            ;;
        *) try "$place" ;;
    esac
done
end_background "$writers"
tandem run --until caught-up >>"$world/run.log" 2>&1 || fail "tandem run: $(tail -n 5 "$world/run.log")"
verdict=passed
[ "$failed" -eq 0 ] || verdict=FAILED
[ "$(content old event)" = "$(content new event)" ] || verdict='FAILED: event differs'
cat <<END

soak failpoints: $verdict
${report}  rows                         $(content new event | cut -d' ' -f1) without a key, every one exactly once
END
[ "$verdict" = passed ]
