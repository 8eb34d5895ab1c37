#!/usr/bin/env bash
# Killed once at every place in the code where that is interesting and that `tandem run` passes (`tandem failpoints`), under
# load: how long until the next run streams again, until new has what old had when it was killed, and whether anything was lost
# or doubled. First in the copy of existing rows, begun afresh for each place and compared after each; then in the stream, with
# Data B and comparisons beside it, compared in the end. Rows are inserted into a table without a key, where nothing can be mended
# behind our back; others are changed and deleted, some transactions are large, and some rows are not on new as the stream expects
# them. RATE (transactions a second), PATIENCE, ONLY="place …" and OVER (see clusters.sh) may be set in the environment.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/clusters.sh"

migration=soak
patience=${PATIENCE:-120} rate=${RATE:-150}

# What begins with a copy passes these, in this order, beside those of the stream.
copying='after-slot-created after-origin-created after-table-snapshot during-table-copy:9 after-range-copied:4 before-table-copied
    after-table-copied:2 during-mending before-table-done after-table-done:2 after-copy-complete'
# Passed by other commands, or on the way from one step to another: soak flip and the test suite kill there.
elsewhere='after-set-aside during-abort during-verify-repair after-verify-repair after-twin-repair after-intent after-epoch-committed
    after-epoch-copied before-passage-end before-triggers during-triggers before-hold after-hold after-first-fence after-both-fences
    after-sentinels after-drained after-settled after-charge-position before-flip-commit after-gate-closed before-gate-opened
    after-gate-opened after-release at-sentinel after-sentinel-durable during-attendance'
# contains LIST PLACE
contains() { [[ " $(echo $1 | sed 's/:[0-9]*//g') " == *" ${2%:*} "* ]]; }
wanted() { [ -z "${ONLY:-}" ] || contains "$ONLY" "$1"; }

open_world failpoints
make_cluster old 'fsync=off logical_decoding_work_mem=64kB max_connections=50'
make_cluster new 'fsync=off wal_writer_delay=2s'
start_cluster old
start_cluster new
both 'CREATE TABLE event (writer int, number bigserial, note text); ALTER TABLE event REPLICA IDENTITY FULL;
      CREATE TABLE keyed (a int PRIMARY KEY, b text); CREATE TABLE differing (a int PRIMARY KEY, b text);
      CREATE TABLE wide (a int PRIMARY KEY, b text);
      CREATE SCHEMA b; CREATE TABLE b.t (a int PRIMARY KEY, v int, at timestamptz); CREATE INDEX ON b.t (at)'
cat >"$world/small.sql" <<'SQL'
\set a random(1, 2000)
INSERT INTO event (writer, note) VALUES (:client_id, repeat('x', 50));
INSERT INTO keyed VALUES (:a, 'x') ON CONFLICT (a) DO UPDATE SET b = keyed.b || 'y' WHERE length(keyed.b) < 50;
SQL
cat >"$world/wide.sql" <<'SQL'
\set a random(1, 30000)
INSERT INTO event (writer, note) VALUES (:client_id, 'wide');
UPDATE wide SET b = b || '.' WHERE a = :a;
UPDATE wide SET a = 100000 + a WHERE a = :a + 7;
DELETE FROM wide WHERE a = :a + 3;
SQL
# A snapshot that is taken meanwhile lacks it: its row is read again.
cat >"$world/slow.sql" <<'SQL'
\set a random(1, 30000)
BEGIN;
UPDATE wide SET b = b || '-' WHERE a = :a;
SELECT pg_sleep(0.3);
COMMIT;
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
INSERT INTO b.t VALUES (:a, 1, now()) ON CONFLICT (a) DO UPDATE SET v = t.v + 1, at = now();
DELETE FROM b.t WHERE a = :a + 1;
SQL
write() { # SCRIPT@WEIGHT…
    local script files=()
    for script in "$@"; do files+=(-f "$world/$script"); done
    background writers pgbench -n -c 4 -T 86400 --rate "$rate" "${files[@]}" "$(address old)"
    writers=$started
}

start_run() {
    : >"$world/run.log"
    background run env ${1:+TANDEM_FAILPOINT="$1"} "$tandem" run --config "$world/tandem.yaml"
    replicator=$started
}
applied() { [ "$(q new "SELECT applied_lsn >= '$1' FROM tandem.stream" 2>/dev/null)" = t ]; }
is_copied() { [ "$(q new 'SELECT completed_at IS NOT NULL FROM tandem.copy' 2>/dev/null)" = t ]; }
is_ahead() { # what new has no word of yet cannot be ahead of it
    local told kept
    told=$(confirmed) kept=$(progress)
    [ -n "$kept" ] || { [ "$phase" = stream ]; return; }
    [ -n "$told" ] && [ "$(q old "SELECT '$told'::pg_lsn <= '$kept'::pg_lsn")" != t ]
}
compare() { # TABLE…
    local table
    for table in "$@"; do
        [ "$(content old "$table")" = "$(content new "$table")" ] || fail "FAILED: $table differs: $(content old "$table"), $(content new "$table")"
    done
}

failed=0
report=''
try() {
    local place=$1 left=$((patience * 20)) began streams caught end verdict=died
    start_run "$place"
    while is_running "$replicator" && [ $((left--)) -gt 0 ]; do sleep 0.05; done
    if is_running "$replicator"; then verdict='NEVER REACHED'; end_background "$replicator"; failed=1; fi
    wait "$replicator" 2>/dev/null && code=0 || code=$?
    [ "$verdict" != died ] || [ "$code" = 137 ] || { verdict="ENDED WITH $code: $(tail -n 1 "$world/run.log")"; failed=1; }
    ! is_ahead || { verdict='SLOT AHEAD'; failed=1; }
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
    until applied "$end" && { [ "$phase" = stream ] || is_copied; }; do
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

phase=copy initial_copy=all
write_configuration 'jobs: 2
copy: {range: 256kB}
limits: {memory: 8MB, copy_rate: 4MB}'
q old "INSERT INTO wide SELECT i, repeat('w', 150) FROM generate_series(1, 30000) AS i;
       INSERT INTO event (writer, note) SELECT -1, repeat('e', 100) FROM generate_series(1, 30000) AS i"
for place in $copying; do
    wanted "$place" || continue
    # What earlier rounds have deleted and moved: rows that change while they are copied have to be there.
    q old "INSERT INTO wide SELECT i, repeat('w', 150) FROM generate_series(1, 30000) AS i ON CONFLICT DO NOTHING"
    write small.sql@50 wide.sql@50 slow.sql@3
    try "$place"
    end_background "$writers"
    tandem run --until caught-up >>"$world/run.log" 2>&1 || fail "tandem run: $(tail -n 5 "$world/run.log")"
    compare event keyed wide
    tandem abort --yes >"$world/abort.log" 2>&1 || fail "tandem abort: $(cat "$world/abort.log")"
    q new 'TRUNCATE event, keyed, differing, wide'
done
report+="  copied rows                  $(content old event | cut -d' ' -f1) without a key and $(content old wide | cut -d' ' -f1), every one exactly once each time"$'\n'

phase=stream initial_copy=none
write_configuration 'limits: {memory: 4MB}
verify: {every: 2s, patience: 3s}
data_b:
  - {table: b.t, modified: at, every: 1s, deletes: 3s, margin: 50ms}'
both 'TRUNCATE event, keyed, differing, wide'
# Updated by the load, and not on new: each is a difference that is repaired.
q old "INSERT INTO differing SELECT i, 'x' FROM generate_series(1, 20000) AS i" >/dev/null
q new "INSERT INTO differing SELECT i, 'in the way' FROM generate_series(100001, 120000) AS i" >/dev/null
# Of more than one range, for those who compare.
both "INSERT INTO wide SELECT i, repeat('w', 150) FROM generate_series(1, 200000) AS i; ANALYZE wide"
prepare_and_release
write small.sql@360 differing.sql@40 large.sql@1
for place in $(tandem failpoints | awk '{ print $1 }'); do
    wanted "$place" && ! contains "$copying $elsewhere" "$place" || continue
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
tandem b final >>"$world/run.log" 2>&1 || fail "FAILED: the final copy of Data B: $(tail -n 5 "$world/run.log")"
verdict=passed
[ "$failed" -eq 0 ] || verdict=FAILED
compare event b.t
cat <<END

soak failpoints: $verdict
${report}  rows                         $(content new event | cut -d' ' -f1) without a key, every one exactly once; by $over
END
[ "$verdict" = passed ]
