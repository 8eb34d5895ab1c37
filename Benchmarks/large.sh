#!/usr/bin/env bash
# How fast one transaction of 1,000,000 inserted wide rows (times SCALE) is worked off, with limits.memory at 256MB.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/race.bash"
source "$(dirname "${BASH_SOURCE[0]}")/wide.bash"

tables=wide
rows=$(scaled 1000000)

schema() { q old "$wide_table"; }
load() { q old "INSERT INTO wide SELECT i, $(wide_row i) FROM generate_series(1, $rows) AS i"; }

open_race large
write_configuration 'limits: {memory: 256MB}'
race_backlog "one transaction that inserts $rows wide rows"
