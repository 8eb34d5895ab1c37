#!/usr/bin/env bash
# Makes the checks of preflight find nothing, and runs the tests that have a case of them: each must fail and name the check. Every
# other check of each test at once, then the rest, and those that were not named so, alone: a test that expects exit code 3 ends
# there when no blocker is left, without naming anything. Prints every check and which test noticed. A binary for use has no way to silence a check; a debug
# build does.
# Usage: make soak NAME=silent-checks [SCALE="CHECK …"], which silences just those, one after the other
set -euo pipefail
cd "$(dirname "$0")/../.."

swift build --build-tests >/dev/null
cases=$(TANDEM_LIST_CASES=1 swift test --skip-build --filter PreflightTests/everyCheckHasACase 2>/dev/null \
    | sed -n 's/^case //p' | sort -u -k1,1)
[ -n "$cases" ] || { echo 'no cases were listed' >&2; exit 1; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT
noticed=0 missed=() alone=()

# run FILTER CHECK…: the tests, with these silenced.
run() {
    local filter=$1
    shift
    TANDEM_SILENT_CHECK="$*" swift test --skip-build --filter "$filter" >"$log" 2>&1 </dev/null || true
}
# named CHECK TEST: that test failed, and what it missed has the check.
named() {
    grep -q "Test $2.* failed after" "$log" && grep "Test $2.* recorded an issue" "$log" | grep -E "[^a-z-]$1: " >/dev/null
}
tell() { # CHECK TEST
    if named "$1" "$2"; then
        echo "$1: $2"
        noticed=$((noticed + 1))
        return
    fi
    return 1
}

if [ $# -gt 0 ]; then
    alone=("$@")
else
    for half in 1 0; do
        mapfile -t chosen < <(sort -k2,2 -k1,1 <<<"$cases" | awk -v h="$half" 'NR % 2 == h { print $1 }')
        run PreflightTests "${chosen[@]}"
        for check in "${chosen[@]}"; do
            tell "$check" "$(awk -v c="$check" '$1 == c { print $2 }' <<<"$cases")" || alone+=("$check")
        done
    done
fi
for check in "${alone[@]}"; do
    test=$(awk -v c="$check" '$1 == c { print $2 }' <<<"$cases")
    [ -n "$test" ] || { echo "$check is no check" >&2; exit 2; }
    run "PreflightTests/$test" "$check"
    # Nothing else was silenced, and the test passes otherwise: that it failed is enough.
    if grep -q "Test $test.* failed after" "$log"; then
        echo "$check: $test, alone"
        noticed=$((noticed + 1))
    else
        echo "$check: NOT NOTICED by $test"
        missed+=("$check")
    fi
done
echo "$noticed noticed, ${#missed[@]} not${missed[*]:+: ${missed[*]}}"
[ ${#missed[@]} -eq 0 ]
