#!/usr/bin/env bash
# What the fence's triggers cost a busy old: pgbench as fast as it goes, prepared statements, without them, with them, and with
# them telling the log who writes (the census). In turns, so that what else the machine does hits all alike. No replication
# runs meanwhile: it would be measured too.
#
#     ROUNDS        how often each, 5 unless set
#     SECONDS_EACH  8 unless set
#     CLIENTS       4 unless set
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/clusters.sh"

rounds=${ROUNDS:-5} seconds=${SECONDS_EACH:-8} clients=${CLIENTS:-4}
migration=bench
open_world fence
# What a flush takes is not what is measured; and nothing is vacuumed or written out in the middle of a turn.
settings='fsync=off autovacuum=off checkpoint_timeout=1h max_wal_size=16GB shared_buffers=256MB'
make_cluster old "$settings"
make_cluster new "$settings"
start_cluster old
start_cluster new
for side in old new; do pgbench -i -q -s "${PGBENCH_SCALE:-20}" "$(address "$side")" >/dev/null 2>&1; done
both 'ALTER TABLE pgbench_history REPLICA IDENTITY FULL; ANALYZE'
write_configuration "strategy: pause
gates: {lag: 60s}
evidence: $world/evidence"
prepare_and_release
background run "$tandem" run --config "$world/tandem.yaml"
run=$started
until [ "$(q old 'SELECT count(*) FROM pg_replication_slots WHERE active')" = 1 ]; do sleep 0.2; done
sleep 2
tandem advance --yes >"$world/advance.log" 2>&1 || fail "advance: $(tail -n 5 "$world/advance.log")"
end_background "$run"
# Nobody reads its log any more.
q old "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots" >/dev/null
q new "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots" >/dev/null

tables='pgbench_accounts pgbench_branches pgbench_tellers pgbench_history'
trigger=tandem_bench_main_fence
triggers() { local t; for t in $tables; do q old "ALTER TABLE $t $1 TRIGGER $trigger"; done; }
turn() {
    pgbench -n -M prepared -c "$clients" -j 2 -T "$seconds" "$(address old)" 2>/dev/null | sed -n 's/^tps = \([0-9.]*\).*/\1/p'
}
: >"$world/turns"
for round in $(seq "$rounds"); do
    triggers DISABLE
    echo "without $(turn)" >>"$world/turns"
    triggers 'ENABLE ALWAYS'
    tandem fence-function old | psql -XAtq -d "$(address old)"
    echo "fence $(turn)" >>"$world/turns"
    tandem fence-function old --census | psql -XAtq -d "$(address old)"
    echo "census $(turn)" >>"$world/turns"
    echo "round $round: $(tail -n 3 "$world/turns" | tr '\n' ' ')"
done
awk -v rounds="$rounds" -v seconds="$seconds" -v clients="$clients" '
    { v[$1, ++n[$1]] = $2 }
    function median(k,   i, j, t) {
        for (i = 1; i <= n[k]; i++) for (j = i + 1; j <= n[k]; j++) if (v[k, j] < v[k, i]) { t = v[k, i]; v[k, i] = v[k, j]; v[k, j] = t }
        return n[k] % 2 ? v[k, (n[k] + 1) / 2] : (v[k, n[k] / 2] + v[k, n[k] / 2 + 1]) / 2
    }
    END {
        a = median("without"); b = median("fence"); c = median("census")
        printf "\nbench fence: pgbench flat out, %d clients, prepared, %d turns of %d s each; medians\n", clients, rounds, seconds
        printf "  without  %8.0f transactions a second\n  fence    %8.0f, %.1f %% less\n  census   %8.0f, %.1f %% less\n", a, b, 100 * (a - b) / a, c, 100 * (a - c) / a
    }' "$world/turns"
