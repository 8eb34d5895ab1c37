#!/usr/bin/env bash
# Sizes at their far end, one after another, each with a fresh `tandem run` whose peak memory is measured: it must stay
# under limits.memory plus the constant of docs/limits.md (plus four times the value, where one value is large), spill
# files under limits.spill, and old must be answered all along. ROWS, SUBTRANSACTIONS, EMPTY, TABLES, COLUMNS, OPEN,
# VALUE (MB), VALUES, HOT and PARTITIONS set the sizes; ONLY="rows …" runs some of the trials.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/clusters.sh"

rows=${ROWS:-10000000} subtransactions=${SUBTRANSACTIONS:-100000} empty=${EMPTY:-1000000} tables=${TABLES:-10000}
columns=${COLUMNS:-1600} open=${OPEN:-500} value=${VALUE:-250} values=${VALUES:-20} hot=${HOT:-1000000} partitions=${PARTITIONS:-1000}
memory=${MEMORY:-64} constant=${CONSTANT:-64} patience=${PATIENCE:-1800}
migration=soak

open_world limits
settings="fsync=off autovacuum=off max_connections=$((open + 40)) max_locks_per_transaction=$((64 + tables / 10))"
# One session of old's opens all those connections, and may use a third of its descriptors for them.
settings+=" max_files_per_process=$((open * 4 + 1000))"
settings+=" logical_decoding_work_mem=64kB wal_sender_timeout=30s max_wal_size=16GB shared_buffers=512MB"
make_cluster old "$settings"
make_cluster new "$settings"
start_cluster old
start_cluster new
spill=$world/spill
trials=0

failed=0
report=''
wanted() { [ -z "${ONLY:-}" ] || [[ " $ONLY " == *" $1 "* ]]; }
spilled() { du -sb "$spill" 2>/dev/null | cut -f1 || echo 0; }
walsender() { q old "SELECT active_pid FROM pg_replication_slots WHERE slot_name = '$stream'"; }

# In databases of its own: tables, the stream, and a `tandem run` that streams, as $replicator.
set_up() { # TABLES
    trials=$((trials + 1))
    for side in old new; do database=postgres q "$side" "CREATE DATABASE trial$trials"; done
    database=trial$trials
    write_configuration "limits: {memory: ${memory}MB, spill: 20GB}"
    echo "spill: $spill" >>"$world/tandem.yaml"
    both "$1"
    prepare_and_release
    : >"$world/run.log"
    go_on
}
go_on() {
    background run "$tandem" run --config "$world/tandem.yaml"
    replicator=$started
    local left=600
    until grep -q 'event=streaming' "$world/run.log"; do
        [ $((left--)) -gt 0 ] || fail "tandem run: $(cat "$world/run.log")"
        sleep 0.1
    done
}

# trial NAME ALLOWANCE-IN-MB TABLES COMMAND…: in databases of its own, tables are made, the stream is prepared and runs while
# COMMAND writes; then both sides are compared.
trial() {
    local name=$1 allowance=$2 made=$3 end began took peak verdict=equal most=0 size sender changed=0
    shift 3
    local replicator
    set_up "$made"
    sender=$(walsender)
    began=$(now)
    "$@"
    end=$(q old 'SELECT pg_current_wal_lsn()')
    local written
    written=$(since "$began")
    until [ "$(q new "SELECT applied_lsn >= '$end' FROM tandem.stream")" = t ]; do
        is_running "$replicator" || { verdict="ENDED: $(tail -n 2 "$world/run.log")"; break; }
        if grep -q 'event=blocked' "$world/run.log"; then verdict="blocked: $(grep -m1 'event=blocked' "$world/run.log" | cut -c1-400)"; break; fi
        awk -v t="$(since "$began")" -v l="$patience" 'BEGIN { exit t <= l }' && { verdict="NOT DONE in $patience s"; break; }
        size=$(spilled)
        [ "${size:-0}" -le "$most" ] || most=$size
        [ "$(walsender)" = "$sender" ] || changed=$((changed + 1))
        sleep 0.5
    done
    took=$(since "$began")
    peak=$(($(awk '/VmHWM/ { print $2 }' "/proc/$replicator/status" 2>/dev/null || echo 0) / 1024))
    end_background "$replicator"
    if [ "$verdict" = equal ]; then
        local table
        for table in $(q old "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
                AND relkind IN ('r', 'p') AND NOT relispartition AND relpersistence = 'p' ORDER BY 1 LIMIT 20"); do
            [ "$(content_quick old "$table")" = "$(content_quick new "$table")" ] || verdict="DIFFERENT in $table"
        done
    fi
    [ "$peak" -le $((memory + constant + allowance)) ] || verdict="TOO MUCH MEMORY, $verdict"
    case $verdict in equal | blocked*) ;; *) failed=1 ;; esac
    local line
    line=$(printf '  %-30s %s; written in %s s, on new after %s s; peak %s MB, spilled up to %s MB, walsender lost %s times' \
        "$name" "$verdict" "$written" "$took" "$peak" "$((most >> 20))" "$changed")
    echo "$line"
    report+=$line$'\n'
    tandem abort --yes >/dev/null
}

# Duplicates counted, order aside, without holding ten million hashes in memory.
content_quick() {
    q "$1" "SELECT count(*), sum(('x' || left(h, 15))::bit(60)::bigint::numeric)
              FROM (SELECT md5(t::text) AS h FROM \"$2\" AS t) AS rows"
}

many_rows() { q old "INSERT INTO t SELECT i, md5(i::text) FROM generate_series(1, $rows) AS i" >/dev/null; }
many_subtransactions() {
    q old "DO \$\$ BEGIN FOR i IN 1..$subtransactions LOOP
            BEGIN INSERT INTO t VALUES (i, 'x'); IF i % 3 = 0 THEN RAISE 'undone'; END IF;
            EXCEPTION WHEN raise_exception THEN NULL; END; END LOOP; END \$\$" >/dev/null
}
many_empty() {
    q old "CREATE OR REPLACE PROCEDURE idle(n int) LANGUAGE plpgsql AS
        \$\$ BEGIN FOR i IN 1..n LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END \$\$" >/dev/null
    PGOPTIONS='-c synchronous_commit=off' q old "CALL idle($empty)" >/dev/null
    q old "INSERT INTO t VALUES (1, 'after')" >/dev/null
}
many_tables() {
    q old "DO \$\$ BEGIN FOR i IN 1..$tables LOOP EXECUTE format('INSERT INTO t%s VALUES (%s)', i, i); END LOOP; END \$\$"
}
many_columns() {
    local values
    values=$(seq -s, 2 "$columns" | sed 's/[0-9]\+/i % 7/g')
    q old "INSERT INTO t SELECT i, $values FROM generate_series(1, 2000) AS i" >/dev/null
    q old "UPDATE t SET c2 = 9, c$columns = NULL WHERE c1 % 2 = 0" >/dev/null
    q old "DELETE FROM t WHERE c1 % 5 = 0" >/dev/null
}
many_open() {
    local i part
    for i in $(seq "$open"); do echo "SELECT dblink_connect('c$i', '$(address old)');"; done >"$world/open.sql"
    for part in 1 2; do
        for i in $(seq "$open"); do
            [ "$part" = 2 ] || echo "SELECT dblink_exec('c$i', 'BEGIN');"
            echo "SELECT dblink_exec('c$i', 'INSERT INTO t SELECT $i * 100000 + $part * 10000 + i, md5(i::text) FROM generate_series(1, 2000) AS i');"
        done
    done >>"$world/open.sql"
    for i in $(seq "$open"); do echo "SELECT dblink_exec('c$i', '$([ $((i % 4)) = 0 ] && echo ROLLBACK || echo COMMIT)');"; done >>"$world/open.sql"
    psql -XAtq -v ON_ERROR_STOP=1 -d "$(address old)" -f "$world/open.sql" >/dev/null
}
large_values() { q old "INSERT INTO t SELECT i, repeat(md5(i::text), $value * 32768) FROM generate_series(1, $values) AS i"; }
large_value() { q old "INSERT INTO t SELECT 1, repeat(md5('a'), $value * 32768)" >/dev/null; }

# A tenth as often in one transaction: there old itself walks over all that came before. Another transaction inserts for the first half minute.
hot_row() {
    q old "INSERT INTO t VALUES (0, 'hot'), (1, 'hot'); CREATE OR REPLACE PROCEDURE heat(n int) LANGUAGE plpgsql AS
        \$\$ BEGIN FOR i IN 1..n LOOP UPDATE t SET b = i::text WHERE a = 1; COMMIT; END LOOP; END \$\$"
    background open psql -XAtq -d "$(address old)" -c BEGIN -c "INSERT INTO t SELECT i, md5(i::text) FROM generate_series(2, 20000) AS i" \
        -c "DO \$\$ BEGIN FOR i IN 1..3000 LOOP INSERT INTO t VALUES (100000 + i, 'slowly'); PERFORM pg_sleep(0.01); END LOOP; END \$\$" -c COMMIT
    local open_one=$started
    q old "DO \$\$ BEGIN FOR i IN 1..$((hot / 10)) LOOP UPDATE t SET b = i::text WHERE a = 0; END LOOP; END \$\$"
    PGOPTIONS='-c synchronous_commit=off' q old "CALL heat($hot)"
    wait "$open_one" || fail "the open transaction: $(tail -n 3 "$world/open.log")"
}
many_partitions() {
    q old "INSERT INTO t SELECT i, md5(i::text) FROM generate_series(1, 200000) AS i; UPDATE t SET b = 'x' WHERE a % 3 = 0;
        UPDATE t SET a = a + 1000000 WHERE a % 7 = 0; DELETE FROM t WHERE a % 5 = 0"
}

# A row that comes to more than 1 GB as it is sent: old has it and cannot send it. Blocked, and what is written then is the way out.
row_too_large() {
    local replicator began=$SECONDS half shown
    set_up 'CREATE TABLE t (a int PRIMARY KEY, b text, c text); CREATE TABLE u (a int PRIMARY KEY)'
    q old "INSERT INTO u VALUES (1); CREATE SCHEMA aside; CREATE TABLE aside.half AS SELECT repeat('b', 600000000) AS v"
    # No session could send it either; a server moves it from table to table.
    q old 'INSERT INTO t SELECT 1, v, v FROM aside.half'
    q old 'INSERT INTO u VALUES (2)'
    until grep -q 'event=blocked' "$world/run.log"; do
        is_running "$replicator" && [ $((SECONDS - began)) -lt 180 ] || fail "FAILED: a row too large: not blocked: $(tail -n 2 "$world/run.log")"
        sleep 0.5
    done
    half="blocked after $((SECONDS - began)) s"
    shown=$(tandem status | sed -n 's/^  remedy *//p')
    [[ $shown == *'more than 1 GB'*'tandem resync'* ]] || { failed=1; half+=", REMEDY: $shown"; }
    [ "$(q new 'SELECT count(*) FROM t')$(q new 'SELECT max(a) FROM u')" = 01 ] || { failed=1; half+=', PART OF IT IS ON NEW'; }
    end_background "$replicator"
    q old "UPDATE t SET c = 'short'"
    q old "SELECT pg_drop_replication_slot('$stream')" >/dev/null
    tandem resync --yes >"$world/resync.log" 2>&1 || fail "FAILED: resync: $(tail -n 3 "$world/resync.log")"
    go_on
    q old 'INSERT INTO u VALUES (3)'
    until_is new 'SELECT max(a) FROM u' 3 "$replicator"
    end_background "$replicator"
    for table in t u; do
        [ "$(content_quick old $table)" = "$(content_quick new $table)" ] || { failed=1; half+=", DIFFERENT in $table"; }
    done
    half="  $(printf '%-30s' 'a row of more than 1 GB') $half; shortened, slot dropped, \`tandem resync\`: equal"
    echo "$half"
    report+=$half$'\n'
    tandem abort --yes >/dev/null
}

plain='CREATE TABLE t (a int PRIMARY KEY, b text)'
wanted rows && trial "$rows rows" 0 "$plain" many_rows
wanted subtransactions && trial "$subtransactions subtransactions" 0 "$plain" many_subtransactions
wanted empty && trial "$empty empty transactions" 0 "$plain" many_empty
wanted columns && trial "$columns columns" 0 \
    "CREATE TABLE t (c1 int PRIMARY KEY, $(for i in $(seq 2 "$columns"); do echo "c$i int"; done | paste -sd,))" many_columns
wanted open && trial "$open transactions open at once" 0 "$plain; CREATE EXTENSION dblink" many_open
wanted hot && trial "$hot updates of one row" 0 "$plain" hot_row
wanted partitions && trial "$partitions partitions" 0 "CREATE TABLE t (a int PRIMARY KEY, b text) PARTITION BY HASH (a);
    DO \$\$ BEGIN FOR i IN 0..$((partitions - 1)) LOOP
        EXECUTE format('CREATE TABLE t%s PARTITION OF t FOR VALUES WITH (MODULUS $partitions, REMAINDER %s)', i, i); END LOOP; END \$\$" \
    many_partitions
wanted value && trial "one value of $value MB" $((value * 5)) "$plain" large_value
wanted values && trial "$values values of $value MB" $((value * 5)) "$plain" large_values
wanted wide && row_too_large
wanted tables && trial "$tables tables in a transaction" "$((tables / 50))" \
    "DO \$\$ BEGIN FOR i IN 1..$tables LOOP EXECUTE format('CREATE TABLE t%s (a int PRIMARY KEY)', i); END LOOP; END \$\$" many_tables
verdict=passed
[ "$failed" -eq 0 ] || verdict=FAILED
cat <<END

soak limits: $verdict (limits.memory ${memory} MB, constant ${constant} MB)
${report}
END
[ "$verdict" = passed ]
