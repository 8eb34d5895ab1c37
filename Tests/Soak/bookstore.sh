#!/usr/bin/env bash
# The bookstore on old while tandem carries it to new and is killed at random, instances too: at the end both sides must satisfy
# the ledger, and be equal. Two of the instances serve by the same address; a batch derives Data B.
#
#     SECONDS_LONG  how long is served, 120 unless set
#     RATE          operations a second of each of three instances, 100 unless set
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/clusters.sh"

seconds=${SECONDS_LONG:-120}
rate=${RATE:-100}
migration=soak
initial_copy=all

open_world bookstore
make_cluster old 'max_wal_senders=10'
make_cluster new ''
start_cluster old
start_cluster new
shop=$world/shop
"$tandem" bookstore load --dir "$shop" --old "$(address old)" --books 5000 --accounts 500
write_configuration 'data_b:
  - {table: bookstore_stats.daily_sales, modified: updated_at, every: 2s, deletes: 5s}
  - {table: bookstore_stats.bestsellers, refresh: full, every: 5s}
  - {table: bookstore_stats.ratings, refresh: full, every: 5s}
gates: {quiet: 2s}'
sed -i 's/^data_a:.*/data_a: ["bookstore.*"]/' "$world/tandem.yaml"

declare -A instances=()
serve() {
    background "$1" "$tandem" bookstore instance "$1" --dir "$shop" --old "$(address old)" --rate "$rate"
    instances[$1]=$started
}
for name in web-1 web-2 web-3; do serve "$name"; done
background batch "$tandem" bookstore batch --on "$(address old)" --every 2s
batch=$started

end=$((SECONDS + seconds)) kills=0 deaths=0
while [ $SECONDS -lt $end ]; do
    background run "$tandem" run --config "$world/tandem.yaml"
    run=$started
    sleep "$((1 + RANDOM % 6)).$((RANDOM % 10))"
    kill -KILL -- "-$run" 2>/dev/null || true
    wait "$run" 2>/dev/null || true
    kills=$((kills + 1))
    if [ $((RANDOM % 3)) -eq 0 ]; then
        name=web-$((1 + RANDOM % 3))
        kill -KILL -- "-${instances[$name]}" 2>/dev/null || true
        wait "${instances[$name]}" 2>/dev/null || true
        deaths=$((deaths + 1))
        serve "$name"
    fi
done
for name in "${!instances[@]}"; do end_background "${instances[$name]}"; done
end_background "$batch"
# Its last round, now that nobody sells any more.
"$tandem" bookstore batch --once --on "$(address old)"
tandem run --until caught-up 2>"$world/last.log" || fail "run: $(tail -n 5 "$world/last.log")"
tandem b final || fail 'FAILED: the final copy of Data B'
tandem verify | tail -n 1
tandem verify >/dev/null || fail 'FAILED: the sides differ'
"$tandem" bookstore check --dir "$shop" --old "$(address old)" --new "$(address new)" || fail 'FAILED: the ledger'
echo "bookstore: $seconds s served, tandem killed $kills times, instances $deaths times"
