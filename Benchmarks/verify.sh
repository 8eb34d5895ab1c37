#!/usr/bin/env bash
# How long `tandem verify` takes for one large table of eight mixed columns, the same on both sides, against one pass of an
# md5 aggregate over the same columns (both sides at once, one process each: what verification has to read), and against
# data-diff's hashdiff with as many threads. Then with 20 rows altered on new, which must be named.
#
#     SCALE       the first argument, or this: 1 is 10,000,000 rows, 0.1 unless set
#     RUNS        how often each runs, 3 unless set
#     DATA_DIFF   a Python that can import data_diff (with psycopg2). Left out where there is none
#     THREADS     of data-diff, 1 unless set: tandem has one a side
set -euo pipefail
: "${OVER:=socket}"
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/clusters.sh"

factor=${1:-${SCALE:-0.1}}
runs=${RUNS:-3}
datadiff=${DATA_DIFF:-}
migration=bench
rows=$(awk -v f="$factor" 'BEGIN { printf "%d", 10000000 * f }')

median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { if (b > 0) printf "%.2f", a / b; else printf "-" }'; }

open_world verify
settings='shared_buffers=512MB checkpoint_timeout=60min max_wal_size=16GB autovacuum=off fsync=off max_wal_senders=20'
make_cluster old "$settings"
make_cluster new "$settings"
start_cluster old
start_cluster new
echo "verify: preparing $rows rows on both sides"
fill() {
    q "$1" "CREATE TABLE mixed (id bigint PRIMARY KEY, number int, name text, amount numeric(12,2), at timestamptz, ratio float8,
                is_open bool, day date);
        INSERT INTO mixed SELECT i, i * 7 % 1000003, md5(i::text), (i % 1000000) / 100.0, timestamptz '2026-01-01' + i * interval '1 s',
            i / 3.0::float8, i % 2 = 0, date '2026-01-01' + (i % 365)::int FROM generate_series(1, $rows) i"
    q "$1" 'VACUUM (FREEZE, ANALYZE) mixed'
    q "$1" CHECKPOINT
}
fill old & one=$!
fill new & two=$!
wait $one && wait $two || fail 'the tables could not be filled'
write_configuration 'verify: { every: never }'
prepare_and_release
background run "$tandem" run --config "$world/tandem.yaml"

md5="SET max_parallel_workers_per_gather = 0; SET jit = off;
    SELECT count(*), sum(('x' || substr(md5(ROW(id, number, name, amount, at, ratio, is_open, day)::text), 1, 16))::bit(64)::bigint) FROM mixed"

timed() { # WHO COMMAND…
    local who=$1 begun=$EPOCHREALTIME
    shift
    "$@"
    awk -v a="$begun" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.3f\n", b - a }' | tee -a "$world/$who.times" |
        sed "s/^/run $run  $who  /"
}

floor() {
    q old "$md5" >/dev/null & local one=$!
    q new "$md5" >/dev/null & local two=$!
    wait $one $two
}
ours() { # EXPECTED-CODE
    local code=0 pid most
    "$tandem" verify --config "$world/tandem.yaml" --table public.mixed --afresh --json >"$world/ours.json" &
    pid=$!
    while most=$(awk '/VmHWM/ { print $2 }' "/proc/$pid/status" 2>/dev/null) && [ -n "$most" ]; do
        peak=$((most > peak ? most : peak))
        sleep 0.2
    done
    wait "$pid" || code=$?
    [ "$code" = "$1" ] || fail "FAILED: verify ended with $code: $(cat "$world/ours.json")"
}
theirs() { # its library: the command wants dbt as well
    "$datadiff" - "$world/old" "$world/new" "$database" "${THREADS:-1}" >"$world/theirs.log" 2>"$world/theirs.err" <<'PY' ||
import sys
from data_diff import Algorithm, connect_to_table, diff_tables
def side(directory):
    there = {"driver": "postgresql", "host": directory, "user": "postgres", "password": "none", "dbname": sys.argv[3]}
    return connect_to_table(there, "mixed", "id")
columns = ("number", "name", "amount", "at", "ratio", "is_open", "day")
for sign, row in diff_tables(side(sys.argv[1]), side(sys.argv[2]), algorithm=Algorithm.HASHDIFF, key_columns=("id",),
                             extra_columns=columns, threaded=True, max_threadpool_size=int(sys.argv[4])):
    print(sign, row[0])
PY
        fail "data-diff: $(tail -n 3 "$world/theirs.err")"
}

peak=0
altering="UPDATE mixed SET name = upper(name) WHERE id IN (SELECT 1 + g * ($rows / 20) FROM generate_series(0, 19) g)"
for run in $(seq "$runs"); do
    timed md5 floor
    timed verify ours 0
    [ -z "$datadiff" ] || timed data-diff theirs
done
q new "$altering"
for run in $(seq "$runs"); do
    timed verify-20 ours 4
    found=$(grep -o '"kind":"different"' "$world/ours.json" | wc -l)
    [ "$found" = 20 ] || fail "FAILED: $found of 20 altered rows named"
    if [ -n "$datadiff" ]; then
        timed data-diff-20 theirs
        # It shows an altered row as one that went and one that came.
        [ "$(wc -l <"$world/theirs.log")" = 40 ] || fail "data-diff found $(wc -l <"$world/theirs.log") lines, not 40"
    fi
done

floor=$(median "$world/md5.times")
echo
echo "rows $rows   median of $runs   seconds   of md5"
for who in md5 verify verify-20 data-diff data-diff-20; do
    [ -f "$world/$who.times" ] || continue
    printf '%-14s %8.2f %8s\n' "$who" "$(median "$world/$who.times")" "$(ratio "$(median "$world/$who.times")" "$floor")"
done
echo "tandem's peak of memory: $((peak / 1024)) MB"
if [ -f "$world/data-diff.times" ]; then
    printf 'data-diff takes %s times as long; with 20 rows altered %s times\n' \
        "$(ratio "$(median "$world/data-diff.times")" "$(median "$world/verify.times")")" \
        "$(ratio "$(median "$world/data-diff-20.times")" "$(median "$world/verify-20.times")")"
fi
