// Real statements for what the documents show with `…` or only in part, each run on a server; and the objects of which they speak.

extension ShownSQL {
    struct Statement {
        let text: String
        /// Of PostgreSQL; an earlier one refuses it.
        let from: Int
        /// By itself: it does not go into a transaction, so what it does stays.
        let isAlone: Bool
        /// What has to be there for it alone.
        let before: String

        init(_ text: String, from: Int = 0, alone: Bool = false, before: String = "") {
            self.text = text
            self.from = from
            isAlone = alone || text.hasPrefix("ALTER SYSTEM ")
            self.before = before
        }
    }

    /// What documents write for something else where it is no `…`.
    static let standIns = [
        "CREATE CAST (text AS …) WITH FUNCTION": "CREATE CAST (text AS public.mood) WITH FUNCTION",
        "GRANT owner TO tandem's role": "GRANT shop_owner TO tandem",
        "ROW(columns)::text": "ROW(id, title)::text",
        "NOT NULL NOT VALID": "NOT NULL title NOT VALID",
        "SELECT pg_terminate_backend(PID)": "SELECT pg_terminate_backend(2147483647)",
        "char(m)": "char(4)", "char(n)": "char(4)", "max(column)": "max(id)",
        "nextval()": "nextval('public.orders_id_seq')", "numeric(p,s)": "numeric(8,2)",
        "pg_replication_origin_progress(name, true)": "pg_replication_origin_progress('tandem_shop', true)",
        "varchar(n)": "varchar(9)",
    ]

    static let objects = """
        CREATE ROLE tandem LOGIN; CREATE ROLE shop_owner; CREATE ROLE web LOGIN; CREATE SCHEMA tandem;
        CREATE TABLE public.books (id int PRIMARY KEY, title text, pieces int NOT NULL DEFAULT 1, x int DEFAULT 1,
            updated_at timestamptz, price int, code text CONSTRAINT code_key UNIQUE);
        INSERT INTO public.books (id, title) VALUES (1, 'One'), (2, 'Two');
        CREATE TABLE public.orders (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, book int, twice int GENERATED ALWAYS AS (book * 2) STORED,
            CONSTRAINT ordered FOREIGN KEY (book) REFERENCES public.books NOT VALID);
        CREATE TABLE public.sessions (id int PRIMARY KEY, expires timestamptz); CREATE TABLE public.keyless (id int NOT NULL);
        CREATE UNLOGGED TABLE public.fleeting (id int PRIMARY KEY);
        CREATE TYPE public.mood AS ENUM ('glad', 'sad'); CREATE TYPE public.two AS (a int, b text);
        CREATE DOMAIN public.plus AS int CHECK (VALUE > 0); CREATE SEQUENCE public.numbers AS int;
        CREATE COLLATION public.own (provider = icu, locale = 'de');
        CREATE FUNCTION public.mood_of(text) RETURNS public.mood LANGUAGE sql AS $$ SELECT 'glad'::public.mood $$;
        CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER touched BEFORE INSERT ON public.books FOR EACH ROW EXECUTE FUNCTION public.touch();
        CREATE RULE kept AS ON DELETE TO public.sessions DO INSTEAD NOTHING;
        CREATE FOREIGN DATA WRAPPER far; CREATE SERVER away FOREIGN DATA WRAPPER far;
        CREATE PUBLICATION tandem_bookstore_shop_forward FOR TABLE public.books;
        CREATE SUBSCRIPTION followed CONNECTION 'dbname=shop' PUBLICATION p WITH (connect = false, slot_name = NONE);
        SELECT pg_replication_origin_create('tandem_shop');
        """

    static let statements: [Statement] = queries + writes + definitions + privileges + server

    private static let queries = [
        Statement("SELECT NULL"), Statement("SELECT '{\"NULL\"}'::text[]"),
        Statement("SELECT * FROM pg_replication_slots"),
        Statement("SELECT * FROM pg_stat_archiver"), Statement("SELECT id FROM public.books WHERE id = 1 FOR UPDATE"),
        Statement("SELECT id FROM public.books WHERE id = 1 FOR SHARE"),
        Statement("SELECT id FROM public.books ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"),
        Statement("SELECT now(), random(), gen_random_uuid(), nextval('public.orders_id_seq')"),
        Statement("SELECT max(id) FROM public.books"), Statement("SELECT ROW(id, title)::text FROM public.books"),
        Statement("SELECT id + 1 FROM public.books"), Statement("SELECT pg_current_snapshot()"),
        Statement("SELECT pg_replication_origin_progress('tandem_shop', true)"),
        Statement("SELECT pg_replication_origin_drop('tandem_shop')"),
        Statement("SELECT pg_terminate_backend(2147483647)"), Statement("SELECT pg_reload_conf()"),
        Statement("SELECT set_config('tandem.mode', '4', true)"), Statement("SET tandem.mode = 'tandem'"),
        Statement("SELECT pg_create_restore_point('tandem')"), Statement("SET search_path TO public"),
        Statement("SET session_replication_role = replica"), Statement("SET synchronous_commit = off"),
        Statement("SET synchronous_commit = local"), Statement("SET track_activities = off"),
        Statement("SET CONSTRAINTS ALL IMMEDIATE"),
        Statement("SELECT synced AND NOT temporary FROM pg_replication_slots", from: 17),
        Statement("SELECT coalesce(max(extract(epoch FROM replay_lag)), 0) FROM pg_stat_replication"),
    ]

    private static let writes = [
        Statement("INSERT INTO public.books (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET title = excluded.title"),
        Statement("INSERT INTO public.sessions SELECT id, now() FROM public.books"),
        Statement("INSERT INTO public.orders (id, book) OVERRIDING SYSTEM VALUE VALUES (7, 1) RETURNING id"),
        Statement("UPDATE public.books SET x = x + 1"),
        Statement("UPDATE public.books SET pieces = pieces - 1 WHERE id = 1"),
        Statement("UPDATE public.books SET updated_at = now()"),
        Statement("DELETE FROM public.sessions WHERE expires < now()"),
        Statement("TRUNCATE public.orders RESTART IDENTITY"),
        Statement("LOCK TABLE public.books IN ACCESS EXCLUSIVE MODE"),
        Statement("LOCK TABLE public.books IN ACCESS SHARE MODE"),
        Statement("LOCK TABLE public.books IN SHARE ROW EXCLUSIVE MODE"),
        Statement("LOCK public.books IN SHARE MODE NOWAIT"), Statement("ANALYZE public.books"),
        Statement("CLUSTER public.books USING books_pkey"), Statement("VACUUM FULL public.books", alone: true),
        Statement("VACUUM FREEZE", alone: true),
        Statement(
            "COMMIT PREPARED 'one'", alone: true,
            before: "BEGIN; INSERT INTO public.keyless VALUES (1); PREPARE TRANSACTION 'one'"),
        Statement(
            "ROLLBACK PREPARED 'one'", alone: true,
            before: "BEGIN; INSERT INTO public.keyless VALUES (1); PREPARE TRANSACTION 'one'"),
    ]

    private static let definitions = [
        Statement("ALTER TABLE public.books REPLICA IDENTITY FULL"),
        Statement("ALTER TABLE public.books REPLICA IDENTITY NOTHING"),
        Statement("ALTER TABLE public.books REPLICA IDENTITY DEFAULT"),
        Statement("ALTER TABLE public.fleeting SET LOGGED"), Statement("CREATE UNLOGGED TABLE public.t (id int)"),
        Statement("CREATE TABLE public.t (a char(4), b varchar(9), c numeric(8,2))"),
        Statement(
            "CREATE TABLE public.t (id int GENERATED ALWAYS AS IDENTITY, n int GENERATED BY DEFAULT AS IDENTITY)"),
        Statement("CREATE TABLE public.t (book int REFERENCES public.books ON UPDATE CASCADE ON DELETE CASCADE)"),
        Statement("CREATE TABLE public.t () INHERITS (public.books)"),
        Statement(
            "CREATE TABLE public.t (room int4range, at tstzrange, PRIMARY KEY (room, at WITHOUT OVERLAPS))", from: 18),
        Statement("ALTER TABLE public.books ADD CONSTRAINT titled NOT NULL title NOT VALID", from: 18),
        Statement("ALTER TABLE public.books ADD CONSTRAINT few CHECK (pieces < 9) NOT ENFORCED", from: 18),
        Statement("ALTER TABLE public.books ADD COLUMN shelf text"),
        Statement("ALTER TABLE public.keyless ADD PRIMARY KEY (id)"),
        Statement("ALTER TABLE public.books ADD CONSTRAINT one_title UNIQUE (title) DEFERRABLE"),
        Statement("ALTER TABLE public.books DROP CONSTRAINT code_key, ADD UNIQUE (code)"),
        Statement("ALTER TABLE public.books DROP CONSTRAINT code_key"),
        Statement("ALTER TABLE public.orders VALIDATE CONSTRAINT ordered"),
        Statement("ALTER TABLE public.books ALTER COLUMN pieces TYPE bigint"),
        Statement("ALTER TABLE public.books ALTER COLUMN price SET DEFAULT 0"),
        Statement("ALTER TABLE public.orders ALTER COLUMN twice DROP EXPRESSION"),
        Statement("ALTER TABLE public.books ALTER COLUMN pieces DROP NOT NULL"),
        Statement("ALTER TABLE public.keyless ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY"),
        Statement("ALTER TABLE public.books RENAME TO titles"),
        Statement("ALTER TABLE public.books ENABLE TRIGGER touched"),
        Statement("ALTER TABLE public.books ENABLE ALWAYS TRIGGER touched"),
        Statement("ALTER TABLE public.books ENABLE REPLICA TRIGGER touched"),
        Statement("ALTER TABLE public.sessions ENABLE RULE kept"), Statement("DROP TABLE public.fleeting"),
        Statement(
            "CREATE OR REPLACE FUNCTION public.mood_of(text) RETURNS public.mood LANGUAGE sql AS $$ SELECT 'sad'::public.mood $$"
        ),
        Statement("ALTER FUNCTION public.touch() SET search_path = pg_catalog, pg_temp"),
        Statement(
            "CREATE TRIGGER named BEFORE UPDATE OF title ON public.books FOR EACH ROW EXECUTE FUNCTION public.touch()"),
        Statement(
            "CREATE TRIGGER held BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON public.books EXECUTE FUNCTION public.touch()"
        ),
        Statement("CREATE RULE lost AS ON INSERT TO public.sessions DO INSTEAD NOTHING"),
        Statement("CREATE CAST (text AS integer[]) WITH INOUT AS ASSIGNMENT"),
        Statement("CREATE CAST (text AS public.mood) WITH FUNCTION public.mood_of(text)"),
        Statement("ALTER TYPE public.two DROP ATTRIBUTE b"),
        Statement("ALTER TYPE public.two ALTER ATTRIBUTE a TYPE bigint"),
        Statement("ALTER TYPE public.mood ADD VALUE 'calm'"), Statement("DROP TYPE public.two"),
        Statement("ALTER DOMAIN public.plus DROP CONSTRAINT plus_check"),
        Statement("ALTER SEQUENCE public.numbers AS bigint"), Statement("ALTER EXTENSION plpgsql UPDATE"),
        Statement("REINDEX INDEX public.books_pkey"), Statement("ALTER COLLATION public.own REFRESH VERSION"),
        Statement("CREATE INDEX CONCURRENTLY ON public.books (title)", alone: true),
        Statement("CREATE PUBLICATION p FOR TABLE public.books"),
        Statement("DROP PUBLICATION tandem_bookstore_shop_forward"),
        Statement("DROP SCHEMA tandem CASCADE"), Statement("CREATE USER MAPPING FOR tandem SERVER away"),
        Statement("CREATE SUBSCRIPTION s CONNECTION 'dbname=shop' PUBLICATION p WITH (connect = false)"),
        Statement(
            "CREATE SUBSCRIPTION s CONNECTION 'dbname=shop' PUBLICATION p WITH (connect = false, streaming = parallel, origin = none)",
            from: 16),
        Statement("ALTER SUBSCRIPTION followed SKIP (lsn = '0/1')"), Statement("DROP SUBSCRIPTION followed"),
    ]

    private static let privileges = [
        Statement("CREATE ROLE r LOGIN REPLICATION"), Statement("ALTER ROLE tandem REPLICATION"),
        Statement("ALTER ROLE tandem BYPASSRLS"),
        Statement("ALTER ROLE tandem RESET session_replication_role"),
        Statement("ALTER ROLE tandem RESET lock_timeout"),
        Statement("ALTER DATABASE shown RESET lock_timeout"), Statement("ALTER ROLE tandem CONNECTION LIMIT 50"),
        Statement("ALTER DATABASE shown CONNECTION LIMIT 50"),
        Statement("GRANT CREATE, TEMPORARY ON DATABASE shown TO tandem"),
        Statement("GRANT CREATE ON DATABASE shown TO tandem"), Statement("GRANT shop_owner TO tandem"),
        Statement("GRANT SELECT ON public.books TO tandem"), Statement("GRANT UPDATE ON public.books TO tandem"),
        Statement("GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON public.books TO tandem"),
        Statement("GRANT SELECT, UPDATE ON SEQUENCE public.numbers TO tandem"),
        Statement("GRANT USAGE ON SCHEMA public TO tandem"),
        Statement("GRANT USAGE ON LANGUAGE plpgsql TO tandem"), Statement("GRANT pg_read_all_stats TO tandem"),
        Statement("GRANT SET ON PARAMETER session_replication_role TO tandem", from: 15),
        Statement("GRANT EXECUTE ON FUNCTION pg_create_restore_point(text) TO tandem"),
        Statement("GRANT EXECUTE ON FUNCTION pg_replication_origin_create(text) TO tandem"),
    ]

    /// Settings that the server is started with again afterwards, and databases.
    private static let server = [
        Statement("ALTER SYSTEM SET wal_level = 'logical'"),
        Statement("ALTER SYSTEM SET max_parallel_maintenance_workers = 2"),
        Statement("ALTER SYSTEM SET max_replication_slots = 30"), Statement("ALTER SYSTEM SET max_wal_senders = 30"),
        Statement("ALTER SYSTEM SET max_active_replication_origins = 30", from: 18),
        Statement("ALTER SYSTEM SET max_slot_wal_keep_size = -1"),
        Statement("ALTER SYSTEM SET idle_replication_slot_timeout = 0", from: 18),
        Statement("ALTER SYSTEM SET wal_sender_timeout = '60s'"),
        Statement("ALTER SYSTEM SET wal_sender_timeout = '5s'"),
        Statement("ALTER SYSTEM SET wal_sender_timeout = 0"),
        Statement("ALTER SYSTEM SET wal_writer_delay = '5s'"), Statement("ALTER SYSTEM SET max_connections = 150"),
        Statement("ALTER SYSTEM SET max_locks_per_transaction = 128"),
        Statement("ALTER SYSTEM SET hot_standby_feedback = on"),
        Statement("ALTER SYSTEM SET sync_replication_slots = on", from: 17),
        Statement("ALTER SYSTEM SET recovery_target_name = 'tandem'"),
        Statement("ALTER SYSTEM SET recovery_target_action = 'promote'"),
        Statement("ALTER DATABASE shown SET lc_monetary = 'C'"), Statement("ALTER DATABASE shown SET timezone = 'UTC'"),
        Statement("CREATE DATABASE encoded ENCODING 'UTF8' TEMPLATE template0", alone: true),
        Statement("CREATE DATABASE spoken LOCALE 'C.UTF-8' TEMPLATE template0", alone: true),
        Statement("REINDEX DATABASE shown", alone: true),
        Statement("ALTER DATABASE shown REFRESH COLLATION VERSION", from: 15),
    ]
}
