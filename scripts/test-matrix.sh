#!/usr/bin/env bash
# Runs the tests of rows and values with old and new on different PostgreSQL versions, fetching what is missing, and says
# what was used. Usage: test-matrix.sh [OLD:NEW …], by default every combination that is supported.
set -euo pipefail
cd "$(dirname "$0")/.."

pairs=("$@")
if [ ${#pairs[@]} -eq 0 ]; then
    for old in 13 15 17 18; do for new in 15 17 18; do pairs+=("$old:$new"); done; done
fi
filter=${TEST_FILTER:-RowTests|ValueTests}
export TANDEM_PG_ROOTS=${TANDEM_PG_ROOTS:-$PWD/.postgres}
test_root=${TANDEM_TEST_ROOT:-/tmp/tandem-tests-$(id -u)}

results=()
failed=0
for pair in "${pairs[@]}"; do
    for major in "${pair%%:*}" "${pair##*:}"; do
        [ -x "/usr/lib/postgresql/$major/bin/postgres" ] || scripts/postgres-release.sh "$major" "$test_root" >/dev/null
    done
    echo "== old ${pair%%:*}, new ${pair##*:}"
    if TANDEM_TEST_OLD=${pair%%:*} TANDEM_TEST_NEW=${pair##*:} \
        SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=${TEST_WIDTH:-2} \
        swift test --skip-build --filter "$filter" 2>&1 | tee /tmp/tandem-matrix.$$ | grep -E '^(✘|✔ Test run)'; then :; fi
    if grep -q '✔ Test run' /tmp/tandem-matrix.$$; then
        results+=("$pair passed")
    else
        results+=("$pair FAILED")
        failed=1
    fi
    rm -f /tmp/tandem-matrix.$$
done

echo
echo "version pairs (old:new), tests $filter:"
printf '  %s\n' "${results[@]}"
for major in $(printf '%s\n' "${pairs[@]}" | tr ':' '\n' | sort -un); do
    if [ -x "/usr/lib/postgresql/$major/bin/postgres" ]; then
        "/usr/lib/postgresql/$major/bin/postgres" --version
    else
        chroot "$TANDEM_PG_ROOTS/$major" "/usr/lib/postgresql/$major/bin/postgres" --version
    fi
done
exit $failed
