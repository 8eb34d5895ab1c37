#!/usr/bin/env bash
# Whether old stays as near to new, once new is in charge, as new was to old before: pgbench at 500 transactions a second (times
# SCALE) on whichever side is in charge, each transaction with a beat. When a beat committed, that side tells itself
# (track_commit_timestamp); when it was visible on the other one, a sampler noted that looks 1,000 times a second. Forward, then
# after `tandem switch` in reverse, in the same process; both sides are compared in between and at the end.
#
#     SCALE         the first argument, or this: 1 is 500 transactions a second
#     RUNS          how often there and back, 3 unless set
#     SECONDS_EACH  how long each load lasts, 20 unless set
set -euo pipefail
: "${OVER:=socket}"
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/clusters.sh"
source "$(dirname "${BASH_SOURCE[0]}")/beat.bash"

factor=${1:-${SCALE:-1}}
rate=$(awk -v f="$factor" 'BEGIN { r = int(500 * f); print r < 1 ? 1 : r }')
runs=${RUNS:-3}
seconds_each=${SECONDS_EACH:-20}
scale=${PGBENCH_SCALE:-10}
migration=bench
initial_copy=all

open_world reverse
settings='shared_buffers=256MB checkpoint_timeout=60min max_wal_size=16GB autovacuum=off track_commit_timestamp=on fsync=off'
for side in old new; do
    make_cluster "$side" "$settings"
    start_cluster "$side"
done
pgbench -i -q -s "$scale" "$(address old)" >"$world/schema.log" 2>&1 || fail "pgbench: $(tail -n 5 "$world/schema.log")"
q old 'ALTER TABLE pgbench_history REPLICA IDENTITY FULL; CREATE TABLE beat (id int8 PRIMARY KEY)'
write_configuration "strategy: pause
limits: {pause: 10s}
gates: {lag: 30s, verified_within: 30d}
evidence: $world/evidence"
write_beat
echo 'INSERT INTO lag.sample SELECT coalesce(max(id), 0), statement_timestamp() FROM public.beat;' >"$world/sample.sql"

background run "$tandem" run --config "$world/tandem.yaml"
run=$started
streams() { # SIDE ROLE: the stream that writes there does that.
    until_is "$1" "SELECT count(*) FROM tandem.stream_status WHERE at > now() - interval '3 s'
        AND status::json ->> 'state' = 'streaming' AND status::json ->> 'role' = '$2'" 1
}
said() { "$@" >>"$world/said" 2>&1 || fail "$*: $(tail -n 8 "$world/said")"; }

# load WAY FROM TO: a line of p50, p99, largest and number of beats to $world/WAY.
load() {
    local way=$1 from=$2 to=$3 first sampler
    first=$(q "$from" 'SELECT coalesce(max(id), 0) FROM beat')
    q "$to" 'DROP SCHEMA IF EXISTS lag CASCADE; CREATE SCHEMA lag; CREATE UNLOGGED TABLE lag.sample (seen int8, at timestamptz);
             CREATE UNLOGGED TABLE lag.sent (id int8, at timestamptz)' 2>/dev/null
    background sampler env PGOPTIONS='-c synchronous_commit=off' pgbench -n -c 1 -R 1000 -T $((seconds_each + 60)) \
        -f "$world/sample.sql" "$(address "$to")"
    sampler=$started
    sleep 0.5
    # One client, so that beats commit in the order of their numbers.
    pgbench -n -c 1 -s "$scale" -R "$rate" -T "$seconds_each" -f "$world/beat.sql" "$(address "$from")" \
        >"$world/load.log" 2>&1 || fail "pgbench: $(tail -n 5 "$world/load.log")"
    until_is "$to" "SELECT max(id) >= $(q "$from" 'SELECT max(id) FROM beat') FROM beat" t
    sleep 0.2
    end_background "$sampler"
    q "$from" "COPY (SELECT id, pg_xact_commit_timestamp(xmin) FROM beat WHERE id > $first) TO STDOUT" \
        | q "$to" 'COPY lag.sent FROM STDIN'
    q "$to" 'CREATE INDEX ON lag.sample (seen, at); ANALYZE lag.sample'
    q "$to" "SELECT round((percentile_cont(0.5) WITHIN GROUP (ORDER BY ms))::numeric, 2),
            round((percentile_cont(0.99) WITHIN GROUP (ORDER BY ms))::numeric, 2), round(max(ms)::numeric, 2), count(*)
          FROM (SELECT 1000 * extract(epoch FROM s.at - sent.at)::float8 AS ms FROM lag.sent CROSS JOIN LATERAL
            (SELECT at FROM lag.sample WHERE seen >= id ORDER BY seen, at LIMIT 1) AS s) AS beats" | tr '|' ' ' \
        >>"$world/$way"
    q "$to" 'DROP SCHEMA lag CASCADE' 2>/dev/null
    echo "run $round  $way  p50 p99 max [ms], beats: $(tail -n 1 "$world/$way")"
}
median() { sort -n | awk '{ v[NR] = $1 } END { printf "%.2f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

until_is new "SELECT completed_at IS NOT NULL FROM tandem.copy" t
streams new apply
said tandem advance --yes
streams old watch
waived=(--waive canary --waive rehearsed --waive statistics --reason benchmark)
for ((round = 1; round <= runs; round++)); do
    load forward old new
    said tandem verify
    said tandem switch --yes "${waived[@]}"
    streams old apply
    load reverse new old
    said tandem verify
    said tandem switch --back --yes "${waived[@]}"
    streams new apply
    streams old watch
done

echo
echo "reverse: pgbench at $rate transactions a second for $seconds_each s, from commit to visible, in milliseconds"
echo "PostgreSQL $(q old 'SHOW server_version') and $(q new 'SHOW server_version'), both servers and tandem on $(nproc) processors; $runs runs, medians"
for way in forward reverse; do
    printf '%-10s p50 %s  p99 %s\n' "$way" "$(cut -d' ' -f1 "$world/$way" | median)" "$(cut -d' ' -f2 "$world/$way" | median)"
done
