// Schema `tandem` on both sides: the statements that make it. Everything tandem keeps in a database lives here, and
// nothing else decides about it. Names of streams are keys, so that several migrations can share a database.

package enum Schema {
    static let comment =
        "COMMENT ON SCHEMA tandem IS"
        + " 'belongs to tandem (replication between databases); removed by tandem abort or finish; \(StateLayout.mark)'"

    /// One that is there keeps its comment: it says which layout it has.
    static let make = """
        DO $tandem$ BEGIN
            IF pg_catalog.to_regnamespace('tandem') IS NULL THEN
                CREATE SCHEMA tandem;
                \(comment);
            END IF;
        END $tandem$;
        """

    /// On the side that gives: what a stream was started from, with the publication and its tables by oid, and the
    /// heartbeat that tells its lag.
    static let source = """
        \(make)
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
        """ + seen + evidence

    /// On the side that takes: where a stream is bound to, how it is doing, what is set aside, what was found different.
    static let target = """
        \(make)
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
        """ + copy + seen + evidence + verification + watched

    /// The copy of existing rows: as a whole, and table by table (leaf partitions each by itself), by old's number for it,
    /// which outlasts a change of its name; parts of tables that are there; keys of rows that changed meanwhile.
    static let copy = """

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
        ALTER TABLE tandem.copy ADD COLUMN IF NOT EXISTS streams_paused pg_catalog.bool NOT NULL DEFAULT false;
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
        """

    /// Data B. On the side that batches write: how far each table has come, by the very transaction that wrote its rows. On new
    /// besides: what operators ask for, and how each table is doing.
    static let dataB = """

        CREATE TABLE IF NOT EXISTS tandem.data_b_progress (
            stream pg_catalog.text NOT NULL,
            schema_name pg_catalog.text NOT NULL,
            table_name pg_catalog.text NOT NULL,
            mark pg_catalog.text,
            as_of pg_catalog.timestamptz,
            compared_at pg_catalog.timestamptz,
            PRIMARY KEY (stream, schema_name, table_name));
        CREATE TABLE IF NOT EXISTS tandem.data_b (
            stream pg_catalog.text PRIMARY KEY,
            paused pg_catalog.bool NOT NULL DEFAULT false);
        CREATE TABLE IF NOT EXISTS tandem.data_b_table (
            stream pg_catalog.text NOT NULL,
            schema_name pg_catalog.text NOT NULL,
            table_name pg_catalog.text NOT NULL,
            paused pg_catalog.bool NOT NULL DEFAULT false,
            wanted_at pg_catalog.timestamptz,
            status pg_catalog.text,
            final pg_catalog.text,
            PRIMARY KEY (stream, schema_name, table_name));
        """

    /// On both sides: that side's schema, as the stream last knew it.
    static let seen = """

        CREATE TABLE IF NOT EXISTS tandem.seen_schema (
            stream pg_catalog.text PRIMARY KEY,
            digest pg_catalog.text NOT NULL,
            description pg_catalog.text NOT NULL,
            at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp());
        """

    /// On both sides: number and hash of each entry of the evidence log.
    static let evidence = """

        CREATE TABLE IF NOT EXISTS tandem.evidence (
            stream pg_catalog.text NOT NULL,
            number pg_catalog.int8 NOT NULL,
            hash pg_catalog.text NOT NULL,
            host pg_catalog.text NOT NULL,
            at pg_catalog.timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
            PRIMARY KEY (stream, number));
        """

    /// On both sides: where the pair stands, and what is being tried. Alone, where nothing else of tandem is there yet.
    static let epoch = """
        \(make)
        CREATE TABLE IF NOT EXISTS tandem.epoch (
            pair pg_catalog.text PRIMARY KEY,
            epoch pg_catalog.int8 NOT NULL,
            step pg_catalog.int4 NOT NULL,
            strategy pg_catalog.text NOT NULL,
            truth pg_catalog.text NOT NULL,
            position_side pg_catalog.text,
            position_end pg_catalog.pg_lsn,
            position_system pg_catalog.text,
            position_timeline pg_catalog.int4,
            system_old pg_catalog.text,
            system_new pg_catalog.text,
            since pg_catalog.timestamptz NOT NULL,
            by pg_catalog.text NOT NULL,
            going_from pg_catalog.int4,
            going_to pg_catalog.int4,
            going_since pg_catalog.timestamptz,
            going_by pg_catalog.text);
        ALTER TABLE tandem.epoch ADD COLUMN IF NOT EXISTS going_held pg_catalog.timestamptz;
        """ + evidence

    package static let heartbeatTable = "heartbeat"
    package static let name = "tandem"
}
