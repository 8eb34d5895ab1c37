#!/usr/bin/env bash
# What the fence's triggers cost a busy old: pgbench as fast as it goes, without them, with them, and with
# them telling the log who writes (the census). In turns, so that what else the machine does hits all alike. No replication
# runs meanwhile: it would be measured too.
#
#     ROUNDS        how often each, 25 unless set: many short turns, because machines change their pace in seconds
#     SECONDS_EACH  2 unless set
#     CLIENTS       4 unless set
#     MODE          how pgbench sends statements: prepared unless set; simple is what it does by itself
#     FSYNC         off unless set: on measures what a server does that waits for its disk
set -euo pipefail
: "${OVER:=socket}"
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/clusters.sh"

rounds=${ROUNDS:-25} seconds=${SECONDS_EACH:-2} clients=${CLIENTS:-4} mode=${MODE:-prepared}
migration=bench
open_world fence
# What a flush takes is not what is measured, unless it is asked for; and nothing is vacuumed or written out in the middle of a turn.
settings="fsync=${FSYNC:-off} autovacuum=off checkpoint_timeout=1h max_wal_size=16GB shared_buffers=256MB"
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
# What the server's sessions that have ended took of the processor, in ticks.
ticks() { awk '{ sub(/.*\) /, ""); print $14 + $15 }' "/proc/$(head -n 1 "$world/old/data/postmaster.pid")/stat"; }
# Transactions a second, and microseconds of the server's processor time for each.
turn() {
    local before after
    before=$(ticks)
    pgbench -n -M "$mode" -c "$clients" -j 2 -T "$seconds" "$(address old)" >"$world/pgbench.log" 2>/dev/null
    sleep 0.1
    after=$(ticks)
    awk -v ticks="$((after - before))" -v hertz="$(getconf CLK_TCK)" '
        /^number of transactions actually processed/ { n = $NF } /^tps = / { tps = $3 }
        END { printf "%.0f %.2f\n", tps, ticks * 1000000 / hertz / n }' "$world/pgbench.log"
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
awk -v rounds="$rounds" -v seconds="$seconds" -v clients="$clients" -v mode="$mode" -v fsync="${FSYNC:-off}" '
    { v[$1, ++n[$1]] = $2; cpu[$1, n[$1]] = $3 }
    function sort(a, count,   i, j, t) {
        for (i = 1; i <= count; i++) for (j = i + 1; j <= count; j++) if (a[j] < a[i]) { t = a[i]; a[i] = a[j]; a[j] = t }
    }
    function at(a, count, part,   p) {
        p = 1 + (count - 1) * part
        return a[int(p)] + (p - int(p)) * (a[int(p) + (p > int(p))] - a[int(p)])
    }
    function report(k,   i, a, b, c, d) {
        for (i = 1; i <= n[k]; i++) {
            a[i] = v[k, i]; b[i] = 100 * (1 - v[k, i] / v["without", i])
            c[i] = cpu[k, i]; d[i] = 100 * (cpu[k, i] / cpu["without", i] - 1)
        }
        sort(a, n[k]); sort(b, n[k]); sort(c, n[k]); sort(d, n[k])
        printf "  %-8s %7.0f transactions a second", k, at(a, n[k], 0.5)
        if (k != "without") printf ", %.1f %% less (half of the rounds between %.1f and %.1f)", at(b, n[k], 0.5), at(b, n[k], 0.25), at(b, n[k], 0.75)
        printf "; %.1f us of processor each", at(c, n[k], 0.5)
        if (k != "without") printf ", %.1f %% more (%.1f to %.1f)", at(d, n[k], 0.5), at(d, n[k], 0.25), at(d, n[k], 0.75)
        printf "\n"
    }
    END {
        printf "\nbench fence: pgbench flat out, fsync %s, %d clients, %s statements, %d rounds of %d s each; medians, the difference is that of each round\n", fsync, clients, mode, rounds, seconds
        report("without"); report("fence"); report("census")
    }' "$world/turns"
