#!/usr/bin/env bash
# From COMMIT on old to visible on new, while pgbench runs at 500 transactions a second (times SCALE) for SECONDS_EACH. Each
# transaction also inserts a beat. When it committed, old tells itself (track_commit_timestamp); when it was visible, a
# sampler on new noted, which looks 1,000 times a second. Old does not wait for its disk (what is not flushed is not sent, and
# how long a flush takes is not what is measured); new's disk is as it is.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/race.bash"
source "$(dirname "${BASH_SOURCE[0]}")/beat.bash"

tables='pgbench_accounts pgbench_branches pgbench_tellers pgbench_history beat'
rate=$(scaled 500)

schema() {
    pgbench -i -q -s "${PGBENCH_SCALE:-10}" "$(address old)"
    q old 'ALTER TABLE pgbench_history REPLICA IDENTITY FULL; CREATE TABLE beat (id int8 PRIMARY KEY)'
}

live() { # WHO
    local who=$1 sampler percentiles
    write_beat
    echo 'INSERT INTO sample SELECT coalesce(max(id), 0), statement_timestamp() FROM beat;' >"$world/sample.sql"
    q new 'CREATE UNLOGGED TABLE sample (seen int8, at timestamptz); CREATE UNLOGGED TABLE sent (id int8, at timestamptz)'
    background sampler env PGOPTIONS='-c synchronous_commit=off' pgbench -n -c 1 -R 1000 -T $((seconds_each + 10)) \
        -f "$world/sample.sql" "$(address new)"
    sampler=$started
    begin_clock
    # One client, so that beats commit in the order of their numbers.
    pgbench -n -c 1 -s "${PGBENCH_SCALE:-10}" -R "$rate" -T "$seconds_each" \
        -f "$world/beat.sql" "$(address old)" >"$world/load.log" 2>&1 || fail "pgbench: $(tail -n 5 "$world/load.log")"
    q old 'INSERT INTO final VALUES (1)'
    await_final "$who"
    sleep 0.2
    end_background "$sampler"
    q old 'COPY (SELECT id, pg_xact_commit_timestamp(xmin) FROM beat) TO STDOUT' | q new 'COPY sent FROM STDIN'
    q new 'CREATE INDEX ON sample (seen, at); ANALYZE sample'
    percentiles=$(q new "SELECT round((percentile_cont(0.5) WITHIN GROUP (ORDER BY ms))::numeric, 2),
            round((percentile_cont(0.99) WITHIN GROUP (ORDER BY ms))::numeric, 2), round(max(ms)::numeric, 2), count(*)
          FROM (SELECT 1000 * extract(epoch FROM s.at - sent.at)::float8 AS ms FROM sent CROSS JOIN LATERAL
            (SELECT at FROM sample WHERE seen >= id ORDER BY seen, at LIMIT 1) AS s) AS all_beats" | tr '|' ' ')
    echo "$percentiles" >>"$world/$who.turns"
    echo "run $run  $who  p50 p99 max [ms], beats: $percentiles"
}

further_old='fsync=off'
open_race latency
race_live
print_head "pgbench at $rate transactions a second for $seconds_each s, from commit to visible, in milliseconds"
printf '%-10s %8s %8s %8s   %s\n' '' p50 p99 max 'p99 by run'
for who in $live_contenders; do
    turns=$world/$who.turns
    printf '%-10s %8s %8s %8s   %s\n' "$who" "$(column "$turns" 1)" "$(column "$turns" 2)" "$(column "$turns" 3)" \
        "$(cut -d' ' -f2 "$turns" | tr '\n' ' ')"
done
echo "tandem to native: p50 $(ratio "$(column "$world/tandem.turns" 1)" "$(column "$world/native.turns" 1)")," \
    "p99 $(ratio "$(column "$world/tandem.turns" 2)" "$(column "$world/native.turns" 2)")"
