#!/usr/bin/env bash
# Runs the tests of rows, values, shapes and versions with old and new on different PostgreSQL versions, fetching what is
# missing. At the end a table of what was used and how it went, and the name of every test that failed.
# Usage: test-matrix.sh [OLD:NEW …], by default every combination that is supported.
set -euo pipefail
cd "$(dirname "$0")/.."

pairs=("$@")
if [ ${#pairs[@]} -eq 0 ]; then
    for old in 13 15 17 18; do for new in 15 17 18; do pairs+=("$old:$new"); done; done
fi
filter=${TEST_FILTER:-RowTests|ValueTests|ShapeTests|VersionTests}
export TANDEM_PG_ROOTS=${TANDEM_PG_ROOTS:-$PWD/.postgres}
export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=${TEST_WIDTH:-4}
export TANDEM_TEST_ROOT=${TANDEM_TEST_ROOT:-$(scripts/test-root.sh)}
read -r -a arguments <<<"${TEST_ARGS:-}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT

release() {
    local server=/usr/lib/postgresql/$1/bin/postgres
    if [ -x "$server" ]; then "$server" --version; else chroot "$TANDEM_PG_ROOTS/$1" "$server" --version; fi
}

table=() failures=() failed=0
for pair in "${pairs[@]}"; do
    old=${pair%%:*} new=${pair##*:} status=0
    for major in "$old" "$new"; do
        [ -x "/usr/lib/postgresql/$major/bin/postgres" ] || scripts/postgres-release.sh "$major" "$TANDEM_TEST_ROOT" >/dev/null
    done
    echo "== old $old, new $new"
    TANDEM_TEST_OLD=$old TANDEM_TEST_NEW=$new swift test --skip-build --filter "$filter" "${arguments[@]}" 2>&1 \
        | tee "$log" || status=$?
    line=$(grep -E 'Test run with [1-9][0-9]* tests? .* (passed|failed) after' "$log" | tail -n 1 | sed 's/^[^A-Za-z]*//')
    if [ "$status" -ne 0 ] || [[ $line != *passed* ]]; then
        failed=1
        while read -r test; do failures+=("  $pair  $test"); done \
            < <(sed -nE 's/^✘ Test (.*) (failed after .*)$/\1 \2/p' "$log" | grep -v '^run with ' \
                || echo "the run ended without naming a test (status $status)")
    fi
    table+=("  $pair  ${line:-did not end}")
done

echo
echo "version pairs (old:new), tests $filter:"
printf '%s\n' "${table[@]}"
for major in $(printf '%s\n' "${pairs[@]}" | tr ':' '\n' | sort -un); do echo "  $(release "$major")"; done
if [ "$failed" -ne 0 ]; then
    echo 'failed:'
    printf '%s\n' "${failures[@]}"
fi
exit "$failed"
