#!/usr/bin/env bash
# `tandem demo` and `tandem demo --pause`, whole, as they are without a terminal: each ends with 0 and says that the ledger is clean,
# and nothing of it is left, neither processes nor files.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/clusters.sh"
open_world demo

remains() { { ls -d /tmp/tandem-demo.* 2>/dev/null; pgrep -fa '/tmp/tandem-demo\.'; } || true; }
before=$(remains)
for words in demo 'demo --pause'; do
    began=$(now)
    # Unquoted on purpose: words.
    "$tandem" $words >"$world/said" 2>&1 </dev/null || fail "FAILED: tandem $words ended with $?: $(tail -n 20 "$world/said")"
    grep -qi 'clean' "$world/said" || fail "FAILED: no word of the ledger: $(tail -n 20 "$world/said")"
    [ "$(remains)" = "$before" ] || fail "FAILED: tandem $words left $(remains)"
    echo "tandem $words: $(since "$began") s; $(grep -i 'clean' "$world/said" | tail -n 1 | sed 's/^ *//')"
done
echo 'soak demo: passed'
