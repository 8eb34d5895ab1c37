#!/usr/bin/env bash
# No false alarm: pgbench flat out on old, tandem carries it and compares everything all the time, for DURATION seconds (an
# hour unless set). Besides, `tandem verify` is run again and again. None of them may ever find a difference. Then rows are
# altered on new alone, which the next comparison must name, all of them and nothing else. SCALE, CLIENTS may be set too.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/clusters.sh"

duration=${DURATION:-3600}
scale=${1:-${SCALE:-5}}
clients=${CLIENTS:-4}
migration=soak

open_world verify
settings='fsync=off synchronous_commit=off log_checkpoints=off'
make_cluster old "$settings"
make_cluster new "$settings"
start_cluster old
start_cluster new
write_configuration 'verify: { every: 1s, patience: 60s }'
pgbench -i -q -s "$scale" "$(address old)" >"$world/init.log" 2>&1
q old 'ALTER TABLE pgbench_history REPLICA IDENTITY FULL'
pg_dump --schema-only -d "$(address old)" | psql -Xq -v ON_ERROR_STOP=1 -d "$(address new)" >/dev/null
prepare_and_hold
pg_dump --snapshot="$snapshot" --data-only --schema=public -d "$(address old)" |
    psql -Xq -v ON_ERROR_STOP=1 -d "$(address new)" >/dev/null
release_snapshot

background run "$tandem" run --verbose --config "$world/tandem.yaml"
background load pgbench -n -c "$clients" -j 2 -T "$duration" "$(address old)"
load=$started

verdicts() { # WORD: how often the running stream's own comparisons ended so.
    q new "SELECT count(*) FROM tandem.verification WHERE verdict = '$1'"
}

passes=0
while is_running "$load"; do
    code=0
    "$tandem" verify --config "$world/tandem.yaml" >"$world/verify.log" 2>&1 || code=$?
    # 1: a row of pgbench's few branches never stood still; that is no alarm, but it is counted.
    case $code in
        0) passes=$((passes + 1)) ;;
        1) open=$((${open:-0} + 1)); cp "$world/verify.log" "$world/open.log" ;;
        *) fail "FAILED: verify ended with $code: $(cat "$world/verify.log")" ;;
    esac
    ! grep -q 'event=different' "$world/run.log" || fail "FAILED: $(grep -m 3 'event=different' "$world/run.log")"
done
differ=$(verdicts differs)
[ "$differ" = 0 ] || fail "FAILED: $differ comparisons found a difference"
echo "$passes comparisons by command equal, ${open:-0} not settled; of the stream's own and these" \
    "$(verdicts equal) tables equal, $(verdicts unsettled) not settled, $(verdicts failed) failed, none different"
grep -h 'number of transactions actually\|tps' "$world/load.log" || true

q new "UPDATE pgbench_accounts SET filler = 'wrong' WHERE aid % 10000 = 77; DELETE FROM pgbench_accounts WHERE aid = 5"
expected=$(q new "SELECT count(*) + 1 FROM pgbench_accounts WHERE filler = 'wrong'")
code=0
"$tandem" verify --json --config "$world/tandem.yaml" >"$world/verify.json" || code=$?
found=$(grep -o '"kind":' "$world/verify.json" | wc -l)
[ "$code" = 4 ] && [ "$found" = "$expected" ] || fail "FAILED: exit $code, $found of $expected altered rows named"
echo "$found of $expected altered rows named"
