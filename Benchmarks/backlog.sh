#!/usr/bin/env bash
# How fast a backlog of small transactions is worked off: 200,000 of pgbench (times SCALE), at PGBENCH_SCALE 20.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/race.bash"

scale=${PGBENCH_SCALE:-20}
tables='pgbench_accounts pgbench_branches pgbench_tellers pgbench_history'
clients=8
each=$(scaled $((200000 / clients)))

schema() {
    pgbench -i -q -s "$scale" "$(address old)"
    q old 'ALTER TABLE pgbench_history REPLICA IDENTITY FULL'
}

load() { PGOPTIONS='-c synchronous_commit=off' pgbench -n -c $clients -j 2 -t "$each" "$(address old)"; }

open_race backlog
race_backlog "$((each * clients)) pgbench transactions (scale $scale, $clients clients)"
