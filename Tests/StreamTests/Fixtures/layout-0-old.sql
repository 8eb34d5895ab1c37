-- Schema tandem on old as versions before layouts had numbers made it: no epoch, no evidence, no schema seen.
CREATE SCHEMA IF NOT EXISTS tandem;
COMMENT ON SCHEMA tandem IS 'belongs to tandem (replication to another database); removed by tandem abort or finish';
CREATE TABLE IF NOT EXISTS tandem.heartbeat (
    stream pg_catalog.text PRIMARY KEY,
    beat pg_catalog.int8 NOT NULL,
    at pg_catalog.timestamptz NOT NULL,
    lsn pg_catalog.pg_lsn NOT NULL);
CREATE TABLE IF NOT EXISTS tandem.source (
    stream pg_catalog.text PRIMARY KEY,
    system_identifier pg_catalog.text NOT NULL,
    timeline pg_catalog.int4 NOT NULL,
    start_lsn pg_catalog.pg_lsn NOT NULL,
    created_at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp());
ALTER TABLE tandem.source ADD COLUMN IF NOT EXISTS publication pg_catalog.oid,
    ADD COLUMN IF NOT EXISTS published pg_catalog.oid[];
