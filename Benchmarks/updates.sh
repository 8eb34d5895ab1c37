#!/usr/bin/env bash
# How fast single-row updates are worked off, each of another wide row: 500,000 (times SCALE), 20 a transaction. Their keys
# jump about.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/race.bash"
source "$(dirname "${BASH_SOURCE[0]}")/wide.bash"

tables=wide
rows=$(scaled 500000)

schema() { q old "$wide_table; INSERT INTO wide SELECT i, $(wide_row i) FROM generate_series(1, $rows) AS i"; }

# 263167 is a prime: multiples of it reach every row once.
load() {
    q old "CREATE PROCEDURE update_all() LANGUAGE plpgsql AS \$\$ BEGIN
             SET synchronous_commit = off;
             FOR i IN 1 .. $rows LOOP
               UPDATE wide SET (name, document, price, at, token) = ROW($(wide_row '(i + 1)'))
                WHERE id = (i::int8 * 263167) % $rows + 1;
               IF i % 20 = 0 THEN COMMIT; END IF;
             END LOOP;
           END \$\$"
    q old 'CALL update_all()'
}

open_race updates
race_backlog "$rows updates of distinct wide rows, 20 a transaction"
