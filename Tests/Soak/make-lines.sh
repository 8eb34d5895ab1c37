#!/usr/bin/env bash
# Every `make …` that the documents show, in a block or in a sentence, run in this checkout, in small: what it says comes of it is
# looked for, and no file of the repository is another afterwards. A line that this script does not know is a failure. What takes long
# or a machine of its own is named below with who runs it. Builds for debugging and for use, a fuzzer and what the sanitizers look at are
# made where they are not there yet: some ten minutes without them, half an hour with them.
#
#     ONLY  targets, in quotes: only these; `make` for it alone
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
world=$(mktemp -d /tmp/tandem-lines.XXXXXX)
trap 'rm -rf "$world"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
# Options of the make that started this one are not those of the lines.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES NAME SCALE SECONDS_EACH

fail() { tail -n 25 "$world/said" >&2; echo "FAILED: $*" >&2; exit 1; }
shown() {
    perl -0ne '
        while (/`(make(?:\s[^`]*)?)`/g) { my $line = $1; $line =~ s/\s+/ /g; print "$line\n" }
        while (/^```(?:sh|console)\n(.*?)^```$/msg) { for (split /\n/, $1) { s/^\$ //; s/\s*#.*//; print "$_\n" if /^make\b/ } }
    ' README.md CONTRIBUTING.md docs/*.md docs/decisions/*.md | sort -u
}
files() { { git ls-files -s; git ls-files -z | xargs -0 sha256sum 2>&1; git status --porcelain; } | sha256sum; }
run() { # WORDS…: make, quietly
    make --no-print-directory "$@" >"$world/said" 2>&1 </dev/null || fail "make $* ended with $?"
}
says() { grep -- "$1" "$world/said" >/dev/null || fail "it does not say: $1"; }

benchmark() { # one of them, as small as it goes
    RUNS=1 ROUNDS=1 SECONDS_EACH=2 PGBENCH_SCALE=1 run bench NAME="$1" SCALE="${2:-0.01}"
    [ -s "$world/said" ] || fail 'it says nothing'
}
installed() {
    run install PREFIX="$world/prefix"
    says 'make uninstall'
    "$world/prefix/bin/tandem" --version >"$world/said"
    [ -s "$world/prefix/share/man/man1/tandem-run.1.gz" ] || fail 'there is no manual page'
    grep -F "ExecStart=$world/prefix/bin/tandem run" "$world/prefix/lib/systemd/system/tandem@.service" >/dev/null || fail 'the unit starts another one'
    run uninstall PREFIX="$world/prefix"
    [ -z "$(find "$world/prefix" ! -type d)" ] || fail "left: $(find "$world/prefix" ! -type d)"
    # For packages: not a word of where it was put.
    run install DESTDIR="$world/tree" PREFIX=/usr
    ! grep -rI "$world" "$world/tree" >"$world/said" || fail 'a path of DESTDIR is in it'
}

line_of() { # LINE
    case $1 in
    make)
        run
        for target in $(sed -n 's/^\([a-z-]*\):.*## .*/\1/p' Makefile); do says "^  $target "; done
        ;;
    'make build') run build ;;
    'make release') run release && .build/release/tandem --version >"$world/said" && ! ldd .build/release/tandem | grep -i swift || fail 'it needs Swift' ;;
    # All of it is what continuous integration runs.
    'make test') run test TEST_ARGS='--filter HouseRulesTests' && says 'Test run with .* passed' ;;
    'make test-times') run test-times TEST_ARGS='--filter SessionTests' && says '^all: .* at a time' ;;
    'make test-matrix')
        major=$(basename "$(dirname "$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)")")
        TEST_FILTER=VersionTests run test-matrix PAIRS="$major:$major" && says "$major:$major .*passed"
        ;;
    'make lint') run lint ;;
    'make format') run format ;;
    'make documents') run documents ;;
    'make install' | 'make uninstall') [ -d "$world/tree" ] || installed ;;
    'make deb') run deb && dpkg-deb --contents "$(ls -t .build/deb/*.deb | head -n 1)" >"$world/said" && says usr/bin/tandem ;;
    'make demo') run demo DEMO_ARGS='--seconds 2s --books 2000' && says clean ;;
    'make pictures')
        command -v tmux >/dev/null || { echo '  no tmux: not run' && return; }
        INTO=$world/pictures run pictures
        diff <(ls docs/pictures) <(ls "$world/pictures") >"$world/said" || fail 'other pictures'
        ;;
    'make fuzz NAME=decoder'* | 'make fuzz NAME=spill'*)
        word=${1#*NAME=}
        run fuzz NAME="${word%% *}" SECONDS=5 && says passed
        ;;
    # Without a name they say which there are.
    'make fuzz' | 'make bench' | 'make soak')
        ! make --no-print-directory "${1#make }" >"$world/said" 2>&1 </dev/null || fail 'it wants no name'
        says 'NAME=…, one of: '
        ;;
    'make bench NAME=…') for one in Benchmarks/*.sh; do line_of "make bench NAME=$(basename "${one%.sh}")"; done ;;
    'make bench NAME=copy' | 'make bench NAME=data-b' | 'make bench NAME=verify') ! once "$1" || benchmark "${1##*=}" 0.002 ;;
    'make bench NAME='*) ! once "$1" || benchmark "${1##*=}" ;;
    # A soak each, and its result in docs/proof.md.
    'make soak NAME='*) bash -n "Tests/Soak/${1##*=}.sh" && grep -F "$1" docs/proof.md >/dev/null || fail "docs/proof.md has no result of $1" ;;
    # Two further builds of everything.
    'make sanitize') run sanitize && says 'Test run with .* passed' ;;
    # All of them, in a sentence.
    'make …') ;;
    *) fail "nobody runs $1" ;;
    esac
}
declare -A had=()
# A benchmark is named by itself and by `NAME=…`.
once() { [ -z "${had[$1]:-}" ] && had[$1]=1; }

: >"$world/said"
# Before a quarter of an hour is spent: is there somebody for each? By the very patterns of `line_of`.
patterns=$(sed -n "/^line_of()/,/^}/s/^    \(make\|'make[^)]*\)).*/\1/p" Tests/Soak/make-lines.sh)
eval "known() { case \$1 in ${patterns//$'\n'/ | }) ;; *) return 1 ;; esac }"
while read -r line; do known "$line" || echo "nobody runs $line"; done < <(shown) >"$world/said"
[ ! -s "$world/said" ] || fail 'the documents show lines that nobody runs'
before=$(files)
number=0
while read -r line <&3; do
    target=${line#make}
    target=${target# }
    target=${target%% *}
    [ -z "${ONLY:-}" ] || [[ " $ONLY " == *" ${target:-make} "* ]] || continue
    began=$SECONDS
    line_of "$line"
    [ "$(files)" = "$before" ] || { git status --short >"$world/said"; fail "$line has changed files of the repository"; }
    echo "  $((SECONDS - began)) s  $line"
    number=$((number + 1))
done 3< <(shown)
[ "$number" -gt 0 ] || fail "the documents show no line of ${ONLY:-make}"
[ -n "${ONLY:-}" ] || [ "$number" -ge 40 ] || fail "the documents show $number lines only"
echo "soak make-lines: passed ($number different lines)"
