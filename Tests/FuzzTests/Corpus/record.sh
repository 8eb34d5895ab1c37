#!/bin/bash
# Records the corpus file of one server anew, on an empty server with wal_level = logical, max_prepared_transactions = 5 and
# logical_decoding_work_mem = 64kB:
#     PGHOST=… PGPORT=… PGUSER=… ./record.sh >15.hex
# Everything that the server's version can send: each version of the protocol it knows, text and binary, streamed or not.
# One message a line, as hex; each protocol's messages begin behind a line `-`.
set -euo pipefail
sql() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }
sql -d postgres -c 'CREATE DATABASE fuzz'
export PGDATABASE=fuzz
major=$(sql -c "SELECT current_setting('server_version_num')::int / 10000")
sql <<'SQL'
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE t (id int PRIMARY KEY, v text, m mood, n numeric);
ALTER TABLE t ALTER v SET STORAGE EXTERNAL;
CREATE TABLE f (a int, b text[]);
ALTER TABLE f REPLICA IDENTITY FULL;
CREATE TABLE unheard (v text);
CREATE PUBLICATION p FOR TABLE t, f;
SQL
slots=(1-text)
[ "$major" -lt 14 ] || slots+=(2-binary 2-streaming)
[ "$major" -lt 15 ] || slots+=(3-two_phase)
[ "$major" -lt 16 ] || slots+=(4-parallel)
for slot in "${slots[@]}"; do
    two_phase=; [ "$slot" != 3-two_phase ] || two_phase=', false, true'
    sql -c "SELECT FROM pg_create_logical_replication_slot('fuzz_${slot//-/_}', 'pgoutput'$two_phase)" >/dev/null
done
fill="INSERT INTO unheard SELECT repeat('x', 100) FROM generate_series(1, 1000);"
sql >/dev/null <<SQL
INSERT INTO t VALUES (1, NULL, 'ok', 1.50), (2, repeat('b', 2100), 'sad', 'NaN');
BEGIN; UPDATE t SET m = 'ok' WHERE id = 2; UPDATE t SET id = 3 WHERE id = 1; DELETE FROM t WHERE id = 3; COMMIT;
INSERT INTO f VALUES (1, '{a,NULL}'), (NULL, NULL); UPDATE f SET a = 2 WHERE a = 1; DELETE FROM f WHERE a IS NULL;
SELECT FROM pg_logical_emit_message(true, 'somebody', 'says');
SELECT FROM pg_replication_origin_create('elsewhere'); SELECT FROM pg_replication_origin_session_setup('elsewhere');
INSERT INTO t VALUES (5, '', NULL, NULL);
SELECT FROM pg_replication_origin_session_reset(); SELECT FROM pg_replication_origin_drop('elsewhere');
TRUNCATE t, f RESTART IDENTITY CASCADE;
BEGIN; INSERT INTO t VALUES (10, 'first', 'ok', 1); $fill
SAVEPOINT a; INSERT INTO t VALUES (11, 'gone', 'ok', 2); $fill
SAVEPOINT b; INSERT INTO f VALUES (12, '{gone}'); $fill ROLLBACK TO a;
ALTER TABLE t ADD COLUMN late int; INSERT INTO t VALUES (13, 'kept', 'sad', 3, 4); $fill TRUNCATE f; $fill COMMIT;
BEGIN; INSERT INTO f VALUES (20, '{x}'); $fill ROLLBACK;
BEGIN; INSERT INTO t VALUES (21, 'prepared', 'ok', 5, 6); PREPARE TRANSACTION 'later'; COMMIT PREPARED 'later';
SQL
for slot in "${slots[@]}"; do
    options="'proto_version', '${slot%%-*}', 'publication_names', 'p'"
    [ "$major" -lt 14 ] || options+=", 'messages', 'true'"
    case $slot in
        *-binary) options+=", 'binary', 'true'" ;;
        *-streaming) options+=", 'streaming', 'true'" ;;
        *-two_phase) options+=", 'streaming', 'true', 'two_phase', 'true'" ;;
        *-parallel) options+=", 'streaming', 'parallel'" ;;
    esac
    echo -
    sql -c "SELECT encode(data, 'hex') FROM pg_logical_slot_get_binary_changes('fuzz_${slot//-/_}', NULL, NULL, $options)"
    sql -c "SELECT pg_drop_replication_slot('fuzz_${slot//-/_}')" >/dev/null
done
sql -d postgres -c 'DROP DATABASE fuzz'
