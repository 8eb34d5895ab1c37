#!/usr/bin/env bash
# How many twins a second repair compares and settles, and what that costs both servers. At step 3, applications write both sides:
# pgbench on old, whose transactions write some rows there, the same rows on new inside the open one (dblink, commit on new
# first), in mode 3; one in WRONG transactions writes something else on new. Four measurements:
#
#     live      at RATE rows a second for SECONDS_EACH: rows that are open, sampled each second, and until none is at the end
#     backlog   BACKLOG rows written while nothing runs: from the start of `tandem run` until none is open
#     rewrite   like live, but on new alone, as by instances whose transactions on old all fail: each row has to be written again
#     rewritten like backlog, on new alone
#
#     SCALE         the first argument, or this: times RATE and BACKLOG
#     RATE          twins a second, 2,000 unless set
#     ROWS          rows a transaction, 4 unless set
#     WRONG         one in so many transactions is wrong on new, 100 unless set; 0 for none
#     SECONDS_EACH  how long the load lasts, 60 unless set
#     BACKLOG       60,000 unless set; at most 200,000 are taken in at a time
#     CONTENDERS    `live backlog rewrite rewritten` unless set
set -euo pipefail
: "${OVER:=socket}"
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/clusters.sh"

factor=${1:-${SCALE:-1}}
times() { awk -v f="$factor" -v n="$1" 'BEGIN { r = int(f * n); print r < 1 ? 1 : r }'; }
rate=$(times "${RATE:-2000}")
backlog=$(times "${BACKLOG:-60000}")
rows=${ROWS:-4}
wrong=${WRONG:-100}
seconds_each=${SECONDS_EACH:-60}
contenders=${CONTENDERS:-live backlog rewrite rewritten}
size=200000
migration=bench
initial_copy=all
clock_ticks=$(getconf CLK_TCK)

open_world twins
settings='shared_buffers=256MB checkpoint_timeout=60min max_wal_size=16GB fsync=off max_connections=60'
for side in old new; do
    make_cluster "$side" "$settings"
    start_cluster "$side"
done
q old "CREATE EXTENSION dblink; CREATE SEQUENCE walk; CREATE TABLE twin (id int PRIMARY KEY, v text NOT NULL, n int8 NOT NULL);
       INSERT INTO twin SELECT i, repeat('x', 60), 0 FROM generate_series(0, $size - 1) i; ANALYZE twin"
write_configuration "strategy: dual-write
limits: {pause: 10s}
gates: {quiet: 1s, lag: 60s}
verify: {every: 30d}
evidence: $world/evidence"

cat >"$world/twins.sql" <<SQL
SELECT nextval('walk') AS walk, dblink_connect('new', '$(address new) application_name=web-1')
 WHERE NOT 'new' = ANY (coalesce(dblink_get_connections(), '{}')) UNION ALL
SELECT nextval('walk'), '' LIMIT 1 \gset
\set first (:walk * $rows) % $size
\set kind random(1, $([ "$wrong" -gt 0 ] && echo "$wrong" || echo 2000000000))
BEGIN;
SELECT set_config('tandem.mode', '3', true);
UPDATE twin SET n = :walk WHERE id BETWEEN :first AND :first + $rows - 1;
SELECT dblink_exec('new', 'BEGIN; SET LOCAL tandem.mode = ''3''; UPDATE public.twin SET n = ' || CASE WHEN :kind = 1 THEN -:walk ELSE :walk END
    || ' WHERE id BETWEEN :first AND :first + $rows - 1; COMMIT');
COMMIT;
SQL
cat >"$world/wrong.sql" <<SQL
SELECT nextval('walk') AS walk \gset
\set first (:walk * $rows) % $size
BEGIN;
SELECT set_config('tandem.mode', '3', true);
UPDATE twin SET n = -:walk WHERE id BETWEEN :first AND :first + $rows - 1;
COMMIT;
SQL

start_run() {
    background run "$tandem" run --config "$world/tandem.yaml"
    run=$started
}
# What the watch has seen and recorded is settled: it records no further.
mark() { q new "SELECT pg_current_wal_insert_lsn()"; }
settled() { until_is old "SELECT applied_lsn >= '$1'::pg_lsn FROM tandem.stream WHERE stream = 'tandem_${migration}_main_reverse'" t; }
open_rows() { q old "SELECT coalesce((status::json ->> 'unsettled')::int, 0) FROM tandem.stream_status
    WHERE stream = 'tandem_${migration}_main_reverse'"; }
counted() { q old "SELECT coalesce(sum(matched + late + failed + orphan), 0), coalesce(sum(repaired), 0) FROM tandem.twin"; }
# Processor time of twin repair's sessions on that side, and of tandem.
spent() { # PID…
    awk -v hz="$clock_ticks" '{ s += $14 + $15 } END { printf "%.2f", s / hz }' $(printf '/proc/%s/stat ' "$@") 2>/dev/null
}
sessions() { q "$1" "SELECT pid FROM pg_stat_activity WHERE application_name LIKE '%reverse twins%'"; }
minus() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", b - a }'; }
of() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.0f", a / b }'; }
load() { # SIDE FILE MORE OPTIONS
    pgbench -n -c 4 -j 1 -f "$world/$2.sql" "${@:3}" "$(address "$1")" >"$world/load.log" 2>&1 ||
        fail "pgbench: $(tail -n 5 "$world/load.log")"
}

start_run
until_is new "SELECT completed_at IS NOT NULL FROM tandem.copy" t
for step in 2 3; do
    for try in $(seq 1 60); do
        if tandem advance --yes --waive verified --waive rehearsed --reason benchmark >"$world/said" 2>&1; then break; fi
        [ "$try" -lt 60 ] || fail "advance: $(tail -n 8 "$world/said")"
        sleep 0.5
    done
done
until_is old "SELECT count(*) FROM tandem.stream_status WHERE at > now() - interval '3 s'
    AND status::json ->> 'state' = 'streaming' AND status::json ->> 'role' = 'watch'" 1
load old twins -t 25
load new wrong -t 25
settled "$(mark)"

echo "twins: PostgreSQL $(q old 'SHOW server_version') and $(q new 'SHOW server_version'), fsync=off, both servers, load and tandem on $(nproc) processors;"
echo "rows of 80 bytes, $rows a transaction$([ "$wrong" -eq 0 ] || echo ", one transaction in $wrong wrong on new")"
live() { # NAME SIDE FILE
    IFS='|' read -r had had_repaired <<<"$(counted)"
    on_old=$(spent $(sessions old)) on_new=$(spent $(sessions new)) own=$(spent "$run")
    began=$(now)
    background "$1" pgbench -n -c 4 -j 1 -R $((rate / rows)) -T "$seconds_each" -f "$world/$3.sql" "$(address "$2")"
    loading=$started
    : >"$world/open"
    while is_running "$loading"; do
        sleep 1
        open_rows >>"$world/open"
    done
    wait "$loading" || fail "pgbench: $(tail -n 5 "$world/$1.log")"
    took=$(since "$began")
    last=$(mark)
    ended=$(now)
    settled "$last"
    rest=$(since "$ended")
    until_is old "SELECT count(*) FROM tandem.stream_status WHERE status::json ->> 'unsettled' = '0'" 1
    sleep 1.5 # counts are written each second
    IFS='|' read -r have have_repaired <<<"$(counted)"
    done_count=$(sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p' "$world/$1.log")
    written=$((done_count * rows))
    printf '%s: %s twins written in %s s (%s a second), %s settled, %s written again; the last %s s after the end\n' \
        "$1" "$written" "$took" "$(of "$written" "$took")" "$((have - had))" "$((have_repaired - had_repaired))" "$rest"
    awk '{ v[NR] = $1; if ($1 > most) most = $1 } END { h = int(NR / 2); for (i = 1; i <= NR; i++) if (i <= h) a += v[i]; else b += v[i];
        printf "  open rows: %d on average in the first half, %d in the second, %d at most\n", a / h, b / (NR - h), most }' "$world/open"
    printf '  processor time of repair: %s s on old, %s s on new; tandem itself, streams and all, %s s\n' \
        "$(minus "$on_old" "$(spent $(sessions old))")" "$(minus "$on_new" "$(spent $(sessions new))")" \
        "$(minus "$own" "$(spent "$run")")"
}
backlog() { # NAME SIDE FILE
    IFS='|' read -r _ had_repaired <<<"$(counted)"
    end_background "$run"
    load "$2" "$3" -t $((backlog / rows / 4))
    last=$(mark)
    began=$(now)
    start_run
    settled "$last"
    took=$(since "$began")
    sleep 1.5
    IFS='|' read -r _ have_repaired <<<"$(counted)"
    printf '%s: %s twins settled in %s s, start included: %s a second; %s written again\n' "$1" "$backlog" "$took" \
        "$(of "$backlog" "$took")" "$((have_repaired - had_repaired))"
    printf '  processor time of repair: %s s on old, %s s on new; tandem itself, streams and all, %s s\n' \
        "$(spent $(sessions old))" "$(spent $(sessions new))" "$(spent "$run")"
}
for contender in $contenders; do
    case $contender in
        live) live live old twins ;;
        backlog) backlog backlog old twins ;;
        rewrite) live rewrite new wrong ;;
        rewritten) backlog rewritten new wrong ;;
        *) fail "There is no contender $contender." ;;
    esac
done
for try in $(seq 1 10); do
    [ "$(content old twin)" != "$(content new twin)" ] || break
    [ "$try" -lt 10 ] || fail 'FAILED: the sides differ'
    sleep 1
done
end_background "$run"
echo 'both sides are the same'
