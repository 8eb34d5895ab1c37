#!/bin/bash
# Records the captures beside it anew, on an empty server with wal_level = logical and logical_decoding_work_mem = 64kB:
#     PGHOST=… PGPORT=… PGUSER=… ./record.sh
# One message a line, as hex. The tests know the rows, not positions, times or numbers, so a new recording must pass.
set -euo pipefail
cd "$(dirname "$0")"
export PGDATABASE=capture
psql -Xqd postgres -c 'CREATE DATABASE capture'
sql() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }
slot() { sql -c "SELECT FROM pg_create_logical_replication_slot('capture', 'pgoutput')" >/dev/null; }
take() { # file, further options of pgoutput
    sql -c "SELECT encode(data, 'hex') FROM pg_logical_slot_peek_binary_changes('capture', NULL, NULL,
        'publication_names', 'p', 'messages', 'true' $2)" >"$1"
    sql -c "SELECT pg_drop_replication_slot('capture')" >/dev/null
}

sql <<'SQL'
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE tt (id int PRIMARY KEY, v int, big text);
ALTER TABLE tt ALTER big SET STORAGE EXTERNAL;
CREATE TABLE pairs (a int, b text, m mood, PRIMARY KEY (b, a));
CREATE TABLE bare (x int, t text);
ALTER TABLE bare ALTER t SET STORAGE EXTERNAL;
ALTER TABLE bare REPLICA IDENTITY FULL;
CREATE TABLE "No Columns" ();
CREATE TABLE unheard (v text);
CREATE PUBLICATION p FOR TABLE tt, pairs, bare, "No Columns";
SQL

rows() {
    sql <<'SQL'
INSERT INTO tt VALUES (1, NULL, ''), (2, 2, repeat('b', 2100));
BEGIN;
INSERT INTO tt SELECT 9, 9, big FROM tt WHERE id = 2;
UPDATE tt SET v = 10 WHERE id = 9;
UPDATE tt SET id = 10 WHERE id = 9;
COMMIT;
DELETE FROM tt WHERE id = 1;
INSERT INTO pairs VALUES (1, 'one', 'ok');
UPDATE pairs SET a = 2;
INSERT INTO bare VALUES (1, repeat('t', 2100)), (NULL, NULL);
UPDATE bare SET x = 3 WHERE x = 1;
DELETE FROM bare WHERE x IS NULL;
INSERT INTO "No Columns" DEFAULT VALUES;
SELECT FROM pg_logical_emit_message(true, 'somebody', 'says');
TRUNCATE tt, bare RESTART IDENTITY CASCADE;
SELECT FROM pg_replication_origin_create('elsewhere');
SELECT FROM pg_replication_origin_session_setup('elsewhere');
INSERT INTO tt VALUES (5, 5, 'from elsewhere');
SELECT FROM pg_replication_origin_session_reset();
SELECT FROM pg_replication_origin_drop('elsewhere');
TRUNCATE tt, pairs, bare, "No Columns";
SQL
}

slot; rows >/dev/null; take rows-text.hex ", 'proto_version', '1'"
slot; rows >/dev/null; take rows-binary.hex ", 'proto_version', '2', 'binary', 'true'"

# What is inserted into a table nobody publishes makes the transaction large without being sent.
FILL="INSERT INTO unheard SELECT repeat('x', 100) FROM generate_series(1, 1000);"
slot
sql >/dev/null <<SQL &
BEGIN;
INSERT INTO tt VALUES (1, 1, 'first'); $FILL
SELECT pg_sleep(1.5);
SAVEPOINT a; INSERT INTO tt VALUES (2, 2, 'gone'); $FILL
SAVEPOINT b; INSERT INTO tt VALUES (3, 3, 'gone'); $FILL
ROLLBACK TO a;
ALTER TABLE tt ADD COLUMN late int; INSERT INTO tt VALUES (4, 4, 'kept', 4); $FILL
SELECT FROM pg_logical_emit_message(true, 'somebody', 'says'); TRUNCATE bare; $FILL
SELECT pg_sleep(1.5);
COMMIT;
SQL
sleep 0.7
sql >/dev/null <<SQL &
BEGIN; INSERT INTO pairs VALUES (7, 'rolled back', 'sad'); $FILL
SELECT pg_sleep(0.5); ROLLBACK;
SQL
sql -c "INSERT INTO pairs VALUES (8, 'small', 'ok')"
sql >/dev/null <<SQL
BEGIN; INSERT INTO pairs VALUES (9, 'second', 'ok'); $FILL SELECT pg_sleep(0.3); $FILL COMMIT;
SQL
wait
take streamed.hex ", 'proto_version', '2', 'streaming', 'true'"
