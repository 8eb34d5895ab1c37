#!/usr/bin/env bash
# Runs `tandem demo` in a real terminal (tmux), and keeps its screen as it is at some of its scenes: the pictures of README.md and
# docs/demo.md, below docs/pictures. Needs tmux. Nothing is staged: the run goes on to its end, which must be that nothing was lost.
#
#     COLUMNS_WIDE  120 unless set
#     LINES_HIGH    40 unless set
#     INTO          a directory; docs/pictures unless set
#     EVERY         keep the screen four times a second as well, in this directory, as text
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/clusters.sh
find_tandem
columns=${COLUMNS_WIDE:-120} lines=${LINES_HIGH:-40} into=${INTO:-docs/pictures}
command -v tmux >/dev/null || fail 'tmux is not installed.'
session=tandem-demo-$$
socket=/tmp/$session
trap 'tmux -S "$socket" kill-server 2>/dev/null || true; rm -f "$socket"' EXIT
mkdir -p "$into" ${EVERY:+"$EVERY"}

tmux -S "$socket" -f /dev/null new-session -d -s "$session" -x "$columns" -y "$lines" \
    "env TERM=screen-256color LANG=C.UTF-8 LC_ALL=C.UTF-8 '$tandem' demo; echo \"ended with \$?\"; sleep 600"
screen() { tmux -S "$socket" capture-pane -e -p -t "$session"; }
text() { tmux -S "$socket" capture-pane -p -t "$session"; }
keep() { # NAME TITLE
    screen | python3 scripts/screen-picture.py "$columns" "$lines" "$2" >"$into/$1.svg"
    echo "$(date +%T) $into/$1.svg"
}

# NAME, what the screen has when it is time, and what stands above the picture.
moments=(
    'copy|[1-9][0-9]* of [0-9]* tables|tandem demo: everything is copied while the shop is open'
    'both|mode 3 is deployed everywhere|tandem demo: step 3, every instance writes both sides'
    'outage|level again|tandem demo: new has crashed and come back'
    'reading-new|mode 5 is deployed everywhere|tandem demo: step 5, users read new'
    'detached|mode 6 is deployed everywhere|tandem demo: step 6, new counts and old follows'
    'way-back|now at step 4|tandem demo: and back again'
)
place=0 second=0 began=$SECONDS
until text | grep '^ended with' >/dev/null; do
    sleep 0.25
    second=$((second + 1))
    [ -z "${EVERY:-}" ] || text >"$EVERY/$(printf '%04d' $second).txt"
    [ $((SECONDS - began)) -lt 600 ] || fail 'The demo does not end.'
    [ $place -lt ${#moments[@]} ] || continue
    IFS='|' read -r name sign title <<<"${moments[$place]}"
    if text | grep -- "$sign" >/dev/null; then
        keep "$name" "$title"
        place=$((place + 1))
    fi
done
keep ledger 'tandem demo: what it found'
echo "the demo took $((SECONDS - began)) s at $columns x $lines"
text | grep '^ended with 0' >/dev/null || { text; fail 'The demo failed.'; }
[ $place -eq ${#moments[@]} ] || fail "There was no ${moments[$place]%%|*}."
