#!/usr/bin/env bash
# How fast small inserting transactions are worked off: 100,000 (times SCALE), into ten tables with three indexes each.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/race.bash"

tables=$(echo entry{0..9})
transactions=$(scaled 100000)

schema() {
    local table
    for table in $tables; do
        q old "CREATE TABLE $table (id int8 PRIMARY KEY, customer int, at timestamptz, note text);
               CREATE INDEX ON $table (customer); CREATE INDEX ON $table (at)"
    done
}

load() {
    local table branches=''
    for table in $tables; do
        branches+="WHEN ${table#entry} THEN INSERT INTO $table
            VALUES (i, hashint4(i) % 10000, clock_timestamp(), 'entry number ' || i || repeat('.', 40)); "
    done
    q old "CREATE PROCEDURE insert_all() LANGUAGE plpgsql AS \$\$ BEGIN
             SET synchronous_commit = off;
             FOR i IN 1 .. $transactions LOOP
               CASE i % 10 $branches END CASE;
               COMMIT;
             END LOOP;
           END \$\$"
    q old 'CALL insert_all()'
}

open_race inserts
race_backlog "$transactions transactions of one insert each, ten tables with three indexes"
