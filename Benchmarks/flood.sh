#!/usr/bin/env bash
# Whether new keeps up with pgbench flat out for SECONDS_EACH: how far it is behind when the load ends, and how much
# processor the carrying costs beside what both servers use.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/race.bash"

scale=${PGBENCH_SCALE:-20}
tables='pgbench_accounts pgbench_branches pgbench_tellers pgbench_history'

schema() {
    pgbench -i -q -s "$scale" "$(address old)"
    q old 'ALTER TABLE pgbench_history REPLICA IDENTITY FULL'
}

live() { # WHO
    local who=$1 own_before own tps old new lag
    own_before=$(own_"$who")
    begin_clock
    pgbench -n -c 4 -j 1 -T "$seconds_each" "$(address old)" >"$world/load.log" 2>&1 ||
        fail "pgbench: $(tail -n 5 "$world/load.log")"
    began=$EPOCHREALTIME
    q old 'INSERT INTO final VALUES (1)'
    await_final "$who"
    lag=$(elapsed)
    own=$(own_"$who")
    tps=$(sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$world/load.log")
    old=$(processor old) new=$(processor new)
    awk -v lag="$lag" -v tps="$tps" -v o="$old" -v ob="$processor_old" -v n="$new" -v nb="$processor_new" \
        -v own="$own" -v ownb="$own_before" 'BEGIN {
            servers = o - ob + n - nb
            printf "%s %.0f %.1f %.1f %s\n", lag, tps, servers, own - ownb, own == "-" ? "-" : sprintf("%.1f", 100 * (own - ownb) / servers)
        }' >>"$world/$who.turns"
    echo "run $run  $who  lag, tps, servers' processor, own, own in % of servers: $(tail -n 1 "$world/$who.turns")"
}

open_race flood
race_live
print_head "pgbench flat out for $seconds_each s (scale $scale, 4 clients)"
printf '%-10s %10s %10s %12s %8s %8s   %s\n' '' 'lag at end' tps 'servers [s]' 'own [s]' 'own [%]' 'lag by run'
for who in $live_contenders; do
    turns=$world/$who.turns
    printf '%-10s %10s %10s %12s %8s %8s   %s\n' "$who" "$(column "$turns" 1)" "$(column "$turns" 2)" \
        "$(column "$turns" 3)" "$(column "$turns" 4)" "$(column "$turns" 5)" "$(cut -d' ' -f1 "$turns" | tr '\n' ' ')"
done
