#!/usr/bin/env bash
# Data B under writers of every bad habit, while tandem is killed: transactions that commit late, NULL and backward
# timestamps, deletes, changed keys, unique values that wander, prepared transactions. One table, b.c, is written late but
# honestly, and never compared: batches alone must bring all of it. At the end writers stop, b.c must be equal, `b final` must
# find that everything is identical, and so must this script.
#
#     SECONDS_LONG  how long is written, 120 unless set
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/clusters.sh"

seconds=${SECONDS_LONG:-120}
migration=soak

open_world data-b
settings='max_prepared_transactions=10 wal_level=logical fsync=off'
make_cluster old "$settings"
make_cluster new "$settings"
start_cluster old
start_cluster new
both "CREATE TABLE public.one (id int PRIMARY KEY); CREATE SCHEMA b;
    CREATE TABLE b.t (id int PRIMARY KEY, place int UNIQUE, v text, at timestamptz); CREATE INDEX ON b.t (at);
    CREATE TABLE b.l (v int, at timestamp); CREATE INDEX ON b.l (at); CREATE TABLE b.w (id int PRIMARY KEY, v int);
    CREATE TABLE b.c (id bigserial PRIMARY KEY, v int, at timestamptz DEFAULT now()); CREATE INDEX ON b.c (at);
    CREATE MATERIALIZED VIEW b.m AS SELECT count(*) AS n, sum(v) AS v FROM b.w"
write_configuration 'data_b:
  - {table: b.t, modified: at, every: 1s, deletes: 3s, margin: 50ms}
  - {table: b.l, modified: at, every: 1s, deletes: 3s, margin: 50ms}
  - {table: b.c, modified: at, every: 1s, margin: 50ms}
  - {table: b.w, refresh: full, every: 1s}
  - {table: b.m, refresh: full, every: 2s}
gates: {quiet: 3s}'
prepare_and_release

# writer NUMBER: until the file is gone.
touch "$world/write"
cat >"$world/writer.sh" <<'WRITER'
while [ -e "$1/write" ]; do
    i=$((RANDOM % 2000)) j=$((RANDOM % 2000))
    sleep 0.02
    case $((RANDOM % 11)) in
        0) echo "BEGIN; INSERT INTO b.t VALUES ($i, $j, 'late', now()) ON CONFLICT DO NOTHING; SELECT pg_sleep(0.$((RANDOM % 9))); COMMIT;" ;;
        1) echo "UPDATE b.t SET v = 'null', at = NULL WHERE id = $i;" ;;
        2) echo "UPDATE b.t SET v = v || 'x', at = now() - interval '1 day' WHERE id BETWEEN $i AND $i + 5;" ;;
        3) echo "DELETE FROM b.t WHERE id BETWEEN $i AND $i + 3;" ;;
        4) echo "UPDATE b.t SET id = $j, at = now() WHERE id = $i AND NOT EXISTS (SELECT FROM b.t WHERE id = $j);" ;;
        5) echo "BEGIN; DELETE FROM b.t WHERE place = $j; UPDATE b.t SET place = $j, at = now() WHERE id = $i; COMMIT;" ;;
        6) echo "INSERT INTO b.l VALUES ($i, now()), ($i, now()); DELETE FROM b.l WHERE v = $j;" ;;
        7) echo "INSERT INTO b.w VALUES ($i, $j) ON CONFLICT (id) DO UPDATE SET v = excluded.v; DELETE FROM b.w WHERE id = $j;" ;;
        8) echo "BEGIN; INSERT INTO b.l VALUES ($i, now()); PREPARE TRANSACTION '$2-$i'; SELECT pg_sleep(0.$((RANDOM % 9))); COMMIT PREPARED '$2-$i';" ;;
        9) echo "BEGIN; INSERT INTO b.c (v) VALUES ($i); UPDATE b.c SET v = v + 1, at = now() WHERE id % 50 = $((i % 50)); SELECT pg_sleep(0.$((RANDOM % 9))); COMMIT;" ;;
        10) echo "BEGIN; INSERT INTO b.c (v) VALUES ($i); PREPARE TRANSACTION '$2-c-$i'; SELECT pg_sleep(0.$((RANDOM % 9))); COMMIT PREPARED '$2-c-$i';" ;;
    esac
done | psql -XAtq -d "$3" >/dev/null 2>&1
WRITER
for number in 1 2 3; do
    background "writer$number" bash "$world/writer.sh" "$world" "$number" "$(address old)"
    writers="${writers:-} $started"
done

end=$((SECONDS + seconds)) kills=0
while [ $SECONDS -lt $end ]; do
    background run "$tandem" run --config "$world/tandem.yaml"
    sleep "$((RANDOM % 4)).$((RANDOM % 10))"
    kill -KILL -- "-$started" 2>/dev/null || true
    wait "$started" 2>/dev/null || true
    kills=$((kills + 1))
done
rm "$world/write"
for pid in $writers; do wait "$pid" || true; done
q old "SELECT format('ROLLBACK PREPARED %L', gid) FROM pg_prepared_xacts" | while read -r line; do q old "$line"; done
q old 'REFRESH MATERIALIZED VIEW b.m'
tandem run --until caught-up 2>"$world/last.log" || fail "run: $(tail -n 5 "$world/last.log")"
[ "$(content old b.c)" = "$(content new b.c)" ] || fail 'FAILED: batches have missed rows of b.c'
tandem b final || fail 'FAILED: the final copy'
for table in b.t b.l b.w b.c; do
    [ "$(content old "$table")" = "$(content new "$table")" ] || fail "FAILED: $table differs"
    echo "$table: $(content new "$table" | cut -d' ' -f1) rows, equal"
done
echo "data-b: $seconds s of writing, $kills kills"
