-- Schema tandem on new as versions before layouts had numbers made it: nothing of Data B, comparisons, steps.
CREATE SCHEMA IF NOT EXISTS tandem;
COMMENT ON SCHEMA tandem IS 'belongs to tandem (replication from another database); removed by tandem abort or finish';
CREATE TABLE IF NOT EXISTS tandem.heartbeat (
    stream pg_catalog.text PRIMARY KEY,
    beat pg_catalog.int8 NOT NULL,
    at pg_catalog.timestamptz NOT NULL,
    lsn pg_catalog.pg_lsn NOT NULL);
CREATE TABLE IF NOT EXISTS tandem.stream (
    stream pg_catalog.text PRIMARY KEY,
    system_identifier pg_catalog.text NOT NULL,
    timeline pg_catalog.int4 NOT NULL,
    start_lsn pg_catalog.pg_lsn NOT NULL,
    applied_lsn pg_catalog.pg_lsn NOT NULL,
    created_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp());
CREATE TABLE IF NOT EXISTS tandem.stream_status (
    stream pg_catalog.text PRIMARY KEY,
    at pg_catalog.timestamptz NOT NULL,
    status pg_catalog.text NOT NULL);
CREATE TABLE IF NOT EXISTS tandem.set_aside (
    stream pg_catalog.text NOT NULL,
    schema_name pg_catalog.text NOT NULL,
    table_name pg_catalog.text NOT NULL,
    since pg_catalog.pg_lsn NOT NULL,
    at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    changes pg_catalog.int8 NOT NULL DEFAULT 0,
    PRIMARY KEY (stream, schema_name, table_name));
CREATE TABLE IF NOT EXISTS tandem.difference (
    stream pg_catalog.text NOT NULL,
    schema_name pg_catalog.text NOT NULL,
    table_name pg_catalog.text NOT NULL,
    kind pg_catalog.text NOT NULL,
    found pg_catalog.int8 NOT NULL,
    repaired pg_catalog.int8 NOT NULL,
    last_lsn pg_catalog.pg_lsn NOT NULL,
    last_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (stream, schema_name, table_name, kind));
CREATE TABLE IF NOT EXISTS tandem.copy (
    stream pg_catalog.text PRIMARY KEY,
    base pg_catalog.text,
    runner pg_catalog.int8 NOT NULL DEFAULT 0,
    paused pg_catalog.bool NOT NULL DEFAULT false,
    completed_at pg_catalog.timestamptz,
    progress pg_catalog.text,
    progress_at pg_catalog.timestamptz);
CREATE TABLE IF NOT EXISTS tandem.copied_table (
    stream pg_catalog.text NOT NULL,
    source_oid pg_catalog.int8 NOT NULL,
    schema_name pg_catalog.text NOT NULL,
    table_name pg_catalog.text NOT NULL,
    state pg_catalog.text NOT NULL DEFAULT 'waiting',
    snapshot pg_catalog.text,
    until_lsn pg_catalog.pg_lsn,
    after_xid pg_catalog.int8,
    rows pg_catalog.int8 NOT NULL DEFAULT 0,
    bytes pg_catalog.int8 NOT NULL DEFAULT 0,
    problem pg_catalog.text,
    hint pg_catalog.text,
    at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (stream, source_oid));
ALTER TABLE tandem.copied_table ADD COLUMN IF NOT EXISTS form pg_catalog.text,
    ADD COLUMN IF NOT EXISTS pages pg_catalog.int8, ADD COLUMN IF NOT EXISTS seen_lsn pg_catalog.pg_lsn,
    ADD COLUMN IF NOT EXISTS snapshots pg_catalog.int4 NOT NULL DEFAULT 0;
CREATE TABLE IF NOT EXISTS tandem.copied_range (
    stream pg_catalog.text NOT NULL,
    source_oid pg_catalog.int8 NOT NULL,
    first_page pg_catalog.int8 NOT NULL,
    end_page pg_catalog.int8 NOT NULL,
    rows pg_catalog.int8 NOT NULL,
    bytes pg_catalog.int8 NOT NULL,
    PRIMARY KEY (stream, source_oid, first_page));
CREATE TABLE IF NOT EXISTS tandem.touched (
    id pg_catalog.int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream pg_catalog.text NOT NULL,
    source_oid pg_catalog.int8 NOT NULL,
    columns pg_catalog.text[],
    key pg_catalog.text[]);
CREATE INDEX IF NOT EXISTS touched_table ON tandem.touched (stream, source_oid, id);
