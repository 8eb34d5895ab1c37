#!/usr/bin/env bash
# Judges test runs so that a failure can be read from the last lines of a long log. Source it, then:
#
#     first_look NAME [VARIABLE=VALUE …] COMMAND…   runs the tests, shows and keeps what they say
#     not_tried NAME REASON                         says in the summary that a run was not possible here
#     second_look                                   runs each failed test once more, alone; prints the summary; its status
#                                                   is the verdict
#
# The command must hand $TEST_ARGS to `swift test`. A test that passes when it runs alone makes the verdict no better than
# UNSTABLE, which is green and loud: such a test is a bug to be mended. More than three are a failure.

unstable_limit=3
look=$(mktemp -d)
trap 'rm -rf "$look"' EXIT
runs=()
declare -A run_settings run_status
untried=()

first_look() {
    local name=$1 status=0
    shift
    local settings=()
    while [[ ${1:-} =~ ^[A-Z_]+= ]]; do
        settings+=("$1")
        shift
    done
    runs+=("$name")
    run_settings[$name]=${settings[*]}
    echo
    echo "=== $name"
    env "${settings[@]}" TEST_ARGS="--xunit-output $look/$name.xml ${TEST_ARGS:-}" "$@" </dev/null 2>&1 \
        | tee "$look/$name.log" || status=$?
    run_status[$name]=$status
}

not_tried() { untried+=("$1: $2"); }

# Failed tests of a run, one a line, as `swift test --filter` knows them.
failed_tests() {
    local file
    for file in "$look/$1.xml" "$look/$1-swift-testing.xml"; do
        [ ! -f "$file" ] || awk '
            /<testcase / {
                match($0, /classname="[^"]*"/); class = substr($0, RSTART + 11, RLENGTH - 12)
                rest = $0; sub(/classname="[^"]*"/, "", rest)
                match(rest, / name="[^"]*"/); name = substr(rest, RSTART + 7, RLENGTH - 8)
            }
            /<failure/ { print class "/" name }' "$file"
    done | sed 's/&lt;/</g; s/&gt;/>/g; s/&quot;/"/g; s/&amp;/\&/g' | sort -u
}

# What a test said when it failed: its issues with a few lines each.
issues() {
    awk -v start="✘ Test ${2##*/} recorded an issue" '
        index($0, start) == 1 { if (++found > 5) exit; left = 6; shown = 1 }
        index($0, start) != 1 && /^(✘|✔|◇|⚠)/ { shown = 0 }
        shown && left-- > 0 { print "    " substr($0, 1, 400) }' "$look/$1.log"
}

# Tests that had begun and never ended: the process died, or was ended because it took too long.
unfinished_tests() {
    awk '/^◇ Test [^ ].* started\.$/ { sub(/^◇ Test /, ""); sub(/ started\.$/, ""); if ($0 !~ /^(run|case) /) open[$0]++ }
        /^(✔|✘|⚠) Test .* (passed|failed) after / {
            sub(/^[^ ]* Test /, ""); sub(/ (with [0-9]+ test cases )?(passed|failed) after .*/, ""); delete open[$0] }
        END { for (name in open) print name }' "$look/$1.log" | sort
}

result_line() { { grep -E 'Test run with .* (passed|failed) after' "$look/$1.log" || true; } | tail -n 1; }

# Whether the test passes by itself, with the run's own settings.
passes_alone() {
    local name=$1 test=$2 settings pattern
    read -r -a settings <<<"${run_settings[$name]}"
    pattern="^$(sed 's/[][().*+?^${}|\\]/\\&/g' <<<"$test")"
    echo
    echo "=== once more, alone: $test ($name)"
    env "${settings[@]}" swift test --skip-build --filter "$pattern" </dev/null 2>&1 | tee "$look/alone.log" || return 1
    grep -qE 'Test run with [1-9][0-9]* tests? .*passed after' "$look/alone.log"
}

second_look() {
    local name test verdict=0 failed=() summary=() unstable=0
    for name in "${runs[@]}"; do
        while read -r test; do failed+=("$name $test"); done < <(failed_tests "$name")
    done
    for name in "${runs[@]}"; do
        [ "${run_status[$name]}" -ne 0 ] || continue
        # Without a failed test something else went wrong, and running tests again says nothing about it.
        if [ -z "$(failed_tests "$name")" ] || [ -z "$(result_line "$name")" ]; then
            verdict=1
            summary+=("FAILED: $name ended with status ${run_status[$name]}")
            summary+=("$({ grep -E '(^|[^[:space:]] )error: ' "$look/$name.log" || true; } | head -n 20 | sed 's/^/    /')")
            while read -r test; do summary+=("    not ended: $test"); done < <(unfinished_tests "$name")
        fi
    done
    for test in "${failed[@]}"; do
        name=${test%% *} test=${test#* }
        if [ "${#failed[@]}" -le "$unstable_limit" ] && [ "$verdict" -eq 0 ] && passes_alone "$name" "$test"; then
            unstable=$((unstable + 1))
            summary+=("UNSTABLE: $test ($name) failed first with:")
        else
            verdict=1
            summary+=("FAILED: $test ($name)")
        fi
        summary+=("$(issues "$name" "$test")")
    done
    echo
    echo '--- summary'
    for name in "${runs[@]}"; do echo "$name: $(result_line "$name" | sed 's/^[^A-Za-z]*//' | grep . || echo 'the tests did not end')"; done
    for test in "${untried[@]}"; do echo "NOT TRIED: $test"; done
    [ "${#summary[@]}" -eq 0 ] || printf '%s\n' "${summary[@]}" | grep .
    [ "$unstable" -eq 0 ] || echo "$unstable unstable: passed only when run again, alone. Mend them."
    if [ "$verdict" -eq 0 ]; then echo 'passed'; else echo 'FAILED'; fi
    return "$verdict"
}
