#!/usr/bin/env bash
# How long `tandem preflight` and `tandem init` take for many tables: first with new empty, then with the same tables on both
# sides, where they are compared column by column and each is tried. A fifth has an index and a foreign key besides, a tenth
# a sequence. Fails when preflight finds anything in their way.
#
#     SCALE       the first argument, or this: 1 is 10,000 tables
#     RUNS        how often each runs, 3 unless set
set -euo pipefail
: "${OVER:=socket}"
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/clusters.sh"

factor=${1:-${SCALE:-1}}
runs=${RUNS:-3}
migration=bench
tables=$(awk -v f="$factor" 'BEGIN { printf "%d", 10000 * f }')

open_world preflight
settings='shared_buffers=256MB checkpoint_timeout=60min autovacuum=off fsync=off max_wal_senders=20 max_locks_per_transaction=1024'
make_cluster old "$settings"
make_cluster new "$settings"
start_cluster old
start_cluster new
fill() {
    q "$1" "DO \$\$ BEGIN FOR i IN 1..$tables LOOP
        EXECUTE format('CREATE TABLE t%s (id %s PRIMARY KEY, parent int, name varchar(40) NOT NULL, amount numeric(12,2) DEFAULT 0, at timestamptz)',
            i, CASE WHEN i % 10 = 0 THEN 'serial' ELSE 'int' END);
        IF i % 5 = 1 AND i > 1 THEN
            EXECUTE format('CREATE INDEX ON t%s (at); ALTER TABLE t%s ADD FOREIGN KEY (parent) REFERENCES t%s', i, i, i - 1);
        END IF;
        IF i % 500 = 0 THEN COMMIT; END IF;
    END LOOP; END \$\$" >/dev/null
    q "$1" 'ANALYZE' >/dev/null
}
echo "preflight: making $tables tables"
fill old

timed() { # WHAT COMMAND…
    local what=$1 begun status=0
    shift
    for ((run = 1; run <= runs; run++)); do
        begun=$EPOCHREALTIME
        "$@" >"$world/said" 2>&1 || status=$?
        awk -v a="$begun" -v b="$EPOCHREALTIME" -v w="$what" -v r="$run" 'BEGIN { printf "run %d  %-28s %6.2f s\n", r, w, b - a }'
        [ "$status" -eq 0 ] || fail "$what ended with $status: $(head -n 20 "$world/said")"
    done
}
proposes() {
    rm -f "$world/proposed/tandem.yaml"
    mkdir -p "$world/proposed"
    (cd "$world/proposed" && "$tandem" init --old "$(address old)" --new "$(address new)")
}

initial_copy=all
write_configuration
timed 'init' proposes
timed 'preflight, new empty' "$tandem" preflight --config "$world/tandem.yaml"
fill new
timed 'preflight, tables on both' "$tandem" preflight --config "$world/tandem.yaml"
