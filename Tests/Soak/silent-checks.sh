#!/usr/bin/env bash
# Makes each check of preflight find nothing, one after the other, and runs a test that has a case of it: it must fail. Prints
# every check and which test noticed. A binary for use has no way to silence a check; a debug build does.
# Usage: make soak NAME=silent-checks [SCALE="CHECK …"]
set -euo pipefail
cd "$(dirname "$0")/../.."

swift build --build-tests >/dev/null
cases=$(TANDEM_LIST_CASES=1 swift test --skip-build --filter PreflightTests/everyCheckHasACase 2>/dev/null \
    | sed -n 's/^case //p' | sort -u -k1,1)
[ -n "$cases" ] || { echo 'no cases were listed' >&2; exit 1; }
noticed=0 missed=()
while read -r check test; do
    if [ $# -gt 0 ] && [[ " $* " != *" $check "* ]]; then continue; fi
    log=$(TANDEM_SILENT_CHECK=$check swift test --skip-build --filter "PreflightTests/$test" 2>&1 </dev/null) || true
    if grep -q "Test $test.* failed after" <<<"$log" && grep -q -- "$check" <<<"$log"; then
        echo "$check: $test"
        noticed=$((noticed + 1))
    else
        echo "$check: NOT NOTICED by $test"
        missed+=("$check")
    fi
done <<<"$cases"
echo "$noticed noticed, ${#missed[@]} not${missed[*]:+: ${missed[*]}}"
[ ${#missed[@]} -eq 0 ]
