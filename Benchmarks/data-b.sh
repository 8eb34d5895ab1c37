#!/usr/bin/env bash
# Data B by timestamp: a table of 10,000,000 rows (times SCALE), of which a tenth has changed. Beside it, the same by hand:
# COPY of just those rows, piped into a temporary table, and one INSERT … ON CONFLICT DO UPDATE, in one transaction. Each has
# a table of its own on new, which is as the other's was. Then: what a batch of an unchanged table costs old, and how many
# bytes a comparison moves that finds 50 deleted rows, beside those of the whole table.
#
#     SCALE  the first argument, or this: 1 unless set
#     RUNS   how often each contender runs, 3 unless set
set -euo pipefail
: "${OVER:=socket}"
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/clusters.sh"

factor=${1:-${SCALE:-1}}
runs=${RUNS:-3}
migration=bench
rows=$(awk -v f="$factor" 'BEGIN { printf "%d", 10000000 * f }')

median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
field() { tandem status --json | python3 -c "import json, sys; s = json.load(sys.stdin)[0]['data_b'][0]['status']; print(s['$1']['$2'])"; }

open_world data-b
settings='shared_buffers=512MB checkpoint_timeout=60min max_wal_size=16GB autovacuum=off wal_level=logical max_wal_senders=20'
make_cluster old "$settings"
make_cluster new "$settings"
start_cluster old
start_cluster new
echo "data-b: preparing $rows rows on both sides"
both 'CREATE TABLE public.one (id int PRIMARY KEY); CREATE SCHEMA b'
shape='(id bigint PRIMARY KEY, day date, name text, n numeric, at timestamptz)'
q old "CREATE TABLE b.t $shape;
    INSERT INTO b.t SELECT i, date '2020-01-01' + (i % 1000)::int, 'name of ' || md5(i::text), i / 7.0, timestamptz '2024-01-01' + i * interval '1 s'
      FROM generate_series(1, $rows) i;
    CREATE INDEX ON b.t (at)"
q old 'VACUUM (FREEZE, ANALYZE) b.t'
q new "CREATE TABLE b.t $shape; CREATE INDEX ON b.t (at); CREATE TABLE b.hand (LIKE b.t INCLUDING ALL)"
write_configuration 'data_b: [{table: b.t, modified: at, every: 1h, deletes: 30d, margin: 1ms}]'
prepare_and_release
tandem run --until caught-up 2>"$world/load.log" || fail "load: $(tail -n 5 "$world/load.log")"
echo "first load: $(field batch seconds) s"
q new 'INSERT INTO b.hand SELECT * FROM b.t ORDER BY id'
q new 'VACUUM (FREEZE, ANALYZE)'
mark=$(q old 'SELECT clock_timestamp()')

by_hand() {
    psql -Xq -d "$(address old)" -c "COPY (SELECT * FROM b.t WHERE at >= '$mark') TO STDOUT (FORMAT binary)" |
        psql -Xq -v ON_ERROR_STOP=1 -d "$(address new)" -c 'SET synchronous_commit = off' -c 'BEGIN' \
            -c 'CREATE TEMP TABLE stage (LIKE b.hand) ON COMMIT DROP' -c 'COPY stage FROM STDIN (FORMAT binary)' \
            -c 'INSERT INTO b.hand SELECT * FROM stage ON CONFLICT (id) DO UPDATE SET day = excluded.day,
                name = excluded.name, n = excluded.n, at = excluded.at' -c 'COMMIT'
}

by_tandem() {
    tandem b now 2>/dev/null >/dev/null
    tandem run --until caught-up 2>"$world/run.log" || fail "run: $(tail -n 5 "$world/run.log")"
}

for run in $(seq "$runs"); do
    # A tenth, one after another in the key, another one each time.
    mark=$(q old 'SELECT clock_timestamp()')
    q old "UPDATE b.t SET n = n + 1, name = name || '!', at = clock_timestamp()
            WHERE id > $rows / 10 * ($run - 1) AND id <= $rows / 10 * $run; ANALYZE b.t; CHECKPOINT" >/dev/null
    # The comparison is not what is measured here.
    q new "UPDATE tandem.data_b_progress SET compared_at = clock_timestamp(), as_of = '2000-01-01'; CHECKPOINT" >/dev/null
    for who in $(if [ $((run % 2)) = 1 ]; then echo hand tandem; else echo tandem hand; fi); do
        sync
        began=$EPOCHREALTIME
        if [ "$who" = hand ]; then by_hand
        else tandem run --until caught-up 2>"$world/run.log" || fail "run: $(tail -n 5 "$world/run.log")"; fi
        whole=$(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.2f", b - a }')
        if [ "$who" = tandem ]; then
            field batch seconds >>"$world/tandem.seconds"
            echo "run $run  tandem: $(field batch seconds) s for $(field batch written) rows, whole program $whole s"
        else
            echo "$whole" >>"$world/hand.seconds"
            echo "run $run  hand:   $whole s"
        fi
    done
done

probe() { q old "SELECT pg_stat_clear_snapshot(); SELECT seq_scan || ' ' || idx_scan || ' ' || idx_tup_read FROM
    (SELECT sum(pg_stat_get_numscans('b.t'::regclass)) AS seq_scan, sum(idx_scan) AS idx_scan, sum(idx_tup_read) AS idx_tup_read
       FROM pg_stat_user_indexes WHERE relid = 'b.t'::regclass) x" | tail -n 1; }
q new "UPDATE tandem.data_b_progress SET compared_at = clock_timestamp(), as_of = '2000-01-01'" >/dev/null
tandem run --until caught-up 2>"$world/run.log"
sleep 2
before=$(probe)
q new "UPDATE tandem.data_b_progress SET as_of = '2000-01-01'" >/dev/null
tandem run --until caught-up 2>"$world/run.log"
sleep 2
after=$(probe)

q old "DELETE FROM b.t WHERE id % ($rows / 50) = 7; ANALYZE b.t" >/dev/null
whole=$(psql -Xq -d "$(address old)" -c 'COPY b.t TO STDOUT (FORMAT binary)' | wc -c)
by_tandem

hand=$(median "$world/hand.seconds") own=$(median "$world/tandem.seconds")
cat <<END

data-b: $((rows / 10)) changed rows of $rows; PostgreSQL $(q old 'SHOW server_version'), both servers and tandem on $(nproc) processors, $runs runs, medians
by hand                $hand s
tandem, the batch      $own s   $(awk -v a="$own" -v b="$hand" 'BEGIN { printf "%.2f", a / b }') of that
an unchanged table     scans of the table, of its indexes, rows of indexes on old: before $before, after $after
50 deleted of $rows    found $(field comparison deleted) in $(field comparison seconds) s, $(field comparison read_on_source) rows read on old, $(field comparison bytes) bytes moved, $(awk -v a="$(field comparison bytes)" -v b="$whole" 'BEGIN { printf "%.2f", 100 * a / b }') % of the $whole bytes of a copy
END
[ "$(q old 'SELECT count(*), sum(hashtextextended(t::text, 0)) FROM b.t AS t')" = "$(q new 'SELECT count(*), sum(hashtextextended(t::text, 0)) FROM b.t AS t')" ] ||
    fail 'FAILED: new differs from old'
