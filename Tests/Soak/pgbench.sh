#!/usr/bin/env bash
# Transactions arrive whole: pgbench moves money on old for DURATION seconds while tandem is killed (-9) every KILL_EVERY
# seconds (0: never). On new, each snapshot taken all along must show the same total in accounts, tellers, branches and
# history: a transaction applied by half would show. In the end both sides are equal. SCALE and RATE may be set too.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/clusters.sh"

duration=${DURATION:-180}
kill_every=${KILL_EVERY:-5}
scale=${1:-${SCALE:-5}}
rate=${RATE:-0}
migration=soak

open_world pgbench
settings='fsync=off synchronous_commit=off log_checkpoints=off'
make_cluster old "$settings"
make_cluster new "$settings"
start_cluster old
start_cluster new
write_configuration
pgbench -i -q -s "$scale" "$(address old)" >"$world/init.log" 2>&1
q old 'ALTER TABLE pgbench_history REPLICA IDENTITY FULL'
pg_dump --schema-only -d "$(address old)" | psql -Xq -v ON_ERROR_STOP=1 -d "$(address new)" >/dev/null
prepare_and_hold
pg_dump --snapshot="$snapshot" --data-only --schema=public -d "$(address old)" |
    psql -Xq -v ON_ERROR_STOP=1 -d "$(address new)" >/dev/null
release_snapshot

pace=()
[ "$rate" -eq 0 ] || pace=(--rate "$rate")
background load pgbench -n -c 8 -j 2 -T "$duration" "${pace[@]}" "$(address old)"
load=$started

cat >"$world/invariant.sql" <<'SQL'
SET default_transaction_isolation = 'repeatable read';
SELECT a, a = b AND b = t AND t = h
  FROM (SELECT (SELECT sum(abalance) FROM pgbench_accounts), (SELECT sum(bbalance) FROM pgbench_branches),
               (SELECT sum(tbalance) FROM pgbench_tellers), (SELECT coalesce(sum(delta), 0) FROM pgbench_history))
       AS totals(a, b, t, h)
\watch 0.1
SQL
background totals psql -XAt -d "$(address new)" -f "$world/invariant.sql"
polling=$started
check_totals() {
    ! grep -q '|f$' "$world/totals.log" || fail "FAILED: new showed half a transaction: $(grep -m 3 '|f$' "$world/totals.log")"
}

kills=0 ended=0
while is_running "$load"; do
    background run "$tandem" run --config "$world/tandem.yaml"
    replicator=$started
    until=$((SECONDS + kill_every))
    while is_running "$load" && { [ "$kill_every" -eq 0 ] || [ "$SECONDS" -lt "$until" ]; }; do
        sleep 0.5
        check_totals
    done
    if ! is_running "$replicator"; then
        ended=$((ended + 1))
        echo "tandem run ended by itself: $(tail -n 2 "$world/run.log")" >&2
    fi
    kill -KILL "$replicator" 2>/dev/null || true
    wait "$replicator" 2>/dev/null || true
    kills=$((kills + 1))
done
wait "$load" || fail "pgbench: $(tail -n 3 "$world/load.log")"
behind=$(q old "SELECT pg_size_pretty(pg_current_wal_lsn() - '$(progress)'::pg_lsn)")
catching=$(now)
tandem run --until caught-up >>"$world/run.log" 2>&1 || fail "tandem run: $(tail -n 5 "$world/run.log")"
catching=$(since "$catching")
sleep 1
end_background "$polling"
check_totals

seen=$(grep -c '|t$' "$world/totals.log" || true)
different=$(grep '|t$' "$world/totals.log" | sort -u | wc -l)
verdict=passed
[ "$ended" -eq 0 ] && [ "$different" -gt 1 ] || verdict=FAILED
report=''
for table in pgbench_accounts pgbench_branches pgbench_history pgbench_tellers; do
    if [ "$(content old "$table")" = "$(content new "$table")" ]; then
        report+="  $table  equal"$'\n'
    else
        report+="  $table  DIFFERENT: old $(content old "$table"), new $(content new "$table")"$'\n'
        verdict=FAILED
    fi
done
cat <<END

soak pgbench: $verdict
  load             pgbench TPC-B, scale $scale, 8 clients, $duration s: $(sed -n 's/^tps = \([0-9]*\).*/\1/p' "$world/load.log") transactions a second
  kills            $kills (kill -9 of tandem run), ended by itself $ended
  snapshots of new $seen, with $different different totals, each one consistent
  behind at end    $behind, caught up in $catching s
$report
END
[ "$verdict" = passed ]
