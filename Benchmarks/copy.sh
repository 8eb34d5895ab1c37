#!/usr/bin/env bash
# From an empty new database to a whole one: pgbench's tables, a wide one, one with many indexes, a partitioned one; nobody
# writes meanwhile. Each contender has the same number of jobs. tandem is timed from its start to the exit of
# `run --until caught-up`, so with slot, schema, rows, indexes, statistics, sequences and what the stream takes to catch up;
# the others copy and no more. The bare pipe copies rows alone into tables without indexes. Afterwards rows are compared.
#
#     SCALE       the first argument, or this: 1 is about 3 GB, 0.1 unless set
#     RUNS        how often each contender runs, 3 unless set
#     JOBS        4 unless set
#     CONTENDERS  a selection of `pipe dump pgcopydb tandem`
#     KEYS        `no`: without keys and indexes, for the copy of rows alone
set -euo pipefail
: "${OVER:=socket}"
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/clusters.sh"

factor=${1:-${SCALE:-0.1}}
runs=${RUNS:-3}
jobs=${JOBS:-4}
contenders=${CONTENDERS:-pipe dump pgcopydb tandem}
migration=bench
initial_copy=all
database=shop

scaled() { awk -v f="$factor" -v n="$1" 'BEGIN { n = int(n * f); print n < 1 ? 1 : n }'; }
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

open_world copy
settings='shared_buffers=512MB checkpoint_timeout=60min max_wal_size=16GB autovacuum=off max_wal_senders=20'
make_cluster old "$settings"
make_cluster new "$settings"
start_cluster old
start_cluster new
psql -Xq -d "$(database=postgres address old)" -c "CREATE DATABASE $database"
echo 'copy: preparing old'
pgbench -i -q -s "$(scaled 100)" "$(address old)" >"$world/pgbench.log" 2>&1
q old "ALTER TABLE pgbench_history REPLICA IDENTITY FULL;
    CREATE TABLE wide (id bigint PRIMARY KEY, doc jsonb, note text, at timestamptz, amount numeric, tag uuid);
    INSERT INTO wide SELECT i, jsonb_build_object('n', i, 'text', repeat(md5(i::text), 10)), repeat('note ', 30), now(), i / 7.0,
        md5(i::text)::uuid FROM generate_series(1, $(scaled 1000000)) i;
    CREATE TABLE indexed (id bigserial PRIMARY KEY, a int, b text, c timestamptz, d uuid);
    INSERT INTO indexed (a, b, c, d) SELECT i % 1000, md5(i::text), now() - i * interval '1 s', md5(i::text)::uuid
        FROM generate_series(1, $(scaled 2000000)) i;
    CREATE INDEX ON indexed (a); CREATE INDEX ON indexed (b); CREATE INDEX ON indexed (c); CREATE INDEX ON indexed (d);
    CREATE TABLE parts (id bigint, day int, body text, PRIMARY KEY (id, day)) PARTITION BY LIST (day);
    CREATE TABLE parts_0 PARTITION OF parts FOR VALUES IN (0); CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
    CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2); CREATE TABLE parts_3 PARTITION OF parts FOR VALUES IN (3);
    INSERT INTO parts SELECT i, i % 4, repeat('x', 200) FROM generate_series(1, $(scaled 2000000)) i" >/dev/null
if [ "${KEYS:-yes}" = no ]; then
    q old "DO \$\$ DECLARE what record; BEGIN
        FOR what IN SELECT conrelid::regclass AS of, conname FROM pg_constraint WHERE contype = 'p' AND conparentid = 0
            AND connamespace = 'public'::regnamespace LOOP
            EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', what.of, what.conname); END LOOP;
        FOR what IN SELECT oid::regclass AS of FROM pg_class WHERE relkind = 'i' AND relnamespace = 'public'::regnamespace LOOP
            EXECUTE format('DROP INDEX %s', what.of); END LOOP;
        FOR what IN SELECT oid::regclass AS of FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace LOOP
            EXECUTE format('ALTER TABLE %s REPLICA IDENTITY FULL', what.of); END LOOP; END \$\$"
fi
q old 'VACUUM (FREEZE, ANALYZE)'
write_configuration "jobs: $jobs"
tables='pgbench_accounts pgbench_branches pgbench_tellers wide indexed parts_0 parts_1 parts_2 parts_3'

empty_new() {
    psql -Xq -d "$(database=postgres address new)" -c "SET client_min_messages = error" \
        -c "DROP DATABASE IF EXISTS $database WITH (FORCE)" -c "CREATE DATABASE $database" -c CHECKPOINT
    q old CHECKPOINT
}

ready() {
    case $1 in
        pgcopydb) command -v pgcopydb >/dev/null || { echo 'pgcopydb is not installed: left out' >&2; return 1; } ;;
        pipe) pg_dump --section=pre-data -d "$(address old)" | psql -Xq -d "$(address new)" >/dev/null ;;
    esac
}

turn() {
    case $1 in
        pipe) tr ' ' '\n' <<<"$tables" | xargs -P "$jobs" -I{} bash -c \
            "psql -Xq -d '$(address old)' -c 'COPY {} TO STDOUT (FORMAT binary)' |
             psql -Xq -d '$(address new)' -c 'COPY {} FROM STDIN (FORMAT binary)'" ;;
        dump)
            pg_dump -Fd -j "$jobs" --compress=0 -f "$world/dump" -d "$(address old)"
            pg_restore -j "$jobs" -d "$(address new)" "$world/dump"
            ;;
        pgcopydb) pgcopydb clone --source "$(address old)" --target "$(address new)" --table-jobs "$jobs" \
            --index-jobs "$jobs" --dir "$world/pgcopydb" ;;
        tandem) "$tandem" run --until caught-up --config "$world/tandem.yaml" ;;
    esac
}

clean() {
    rm -rf "$world/dump" "$world/pgcopydb"
    [ "$1" != tandem ] || "$tandem" abort --yes --config "$world/tandem.yaml" >/dev/null
}

# As many rows, and the same ones by a sum that their order does not change.
compare() {
    local table query
    for table in $tables; do
        query="SELECT count(*), sum(hashtextextended(t::text, 0)::numeric) FROM $table t"
        [ "$(q old "$query")" = "$(q new "$query")" ] || fail "$1: $table is not the same on new"
    done
}

# From the slot's snapshot to the last table: without the schema before it, and what comes after it.
rows_alone() { # LOG
    local first last
    first=$(sed -n 's/^time=\([^ ]*\) .*event=prepared .*/\1/p' "$1" | head -n 1)
    last=$(sed -n 's/^time=\([^ ]*\) .*event="table copied" .*/\1/p' "$1" | tail -n 1)
    awk -v a="$(date -d "$first" +%s.%N)" -v b="$(date -d "$last" +%s.%N)" 'BEGIN { printf "%.2f\n", b - a }'
}

for run in $(seq "$runs"); do
    for contender in $contenders; do
        empty_new
        ready "$contender" || continue
        began=$(date +%s.%N)
        turn "$contender" >"$world/$contender.log" 2>&1 || fail "$contender: $(tail -n 5 "$world/$contender.log")"
        awk -v a="$began" -v b="$(date +%s.%N)" 'BEGIN { printf "%.2f\n", b - a }' >>"$world/$contender.seconds"
        [ "$contender" != tandem ] || rows_alone "$world/tandem.log" >>"$world/rows.seconds"
        compare "$contender"
        clean "$contender"
    done
done

echo "copy: $(q old 'SELECT pg_size_pretty(pg_database_size(current_database()))'), $jobs jobs, medians of $runs"
printf '%-10s %9s %9s\n' '' seconds 'to tandem'
base=''
[ ! -f "$world/tandem.seconds" ] || base=$(median "$world/tandem.seconds")
for contender in $contenders; do
    [ -f "$world/$contender.seconds" ] || continue
    seconds=$(median "$world/$contender.seconds")
    printf '%-10s %9.2f %9s\n' "$contender" "$seconds" \
        "$(awk -v a="$seconds" -v b="$base" 'BEGIN { if (b > 0) printf "%.2f", a / b; else printf "-" }')"
done
if [ -f "$world/rows.seconds" ] && [ -f "$world/pipe.seconds" ]; then
    awk -v a="$(median "$world/rows.seconds")" -v b="$(median "$world/pipe.seconds")" \
        'BEGIN { printf "rows alone: tandem %.2f, %.2f of the pipe\n", a, a / b }'
fi
