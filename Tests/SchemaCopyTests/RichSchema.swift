// A database with one of nearly everything, names that nobody would choose among them.

enum RichSchema {
    /// Roles are the whole server's: made once on either side.
    static let roles = """
        DO $$ DECLARE r text; BEGIN
            FOREACH r IN ARRAY ARRAY['schema_owner', 'schema_reader', 'Odd "Role"'] LOOP
                IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN EXECUTE format('CREATE ROLE %I', r); END IF;
            END LOOP;
        EXCEPTION WHEN unique_violation OR duplicate_object THEN NULL;
        END $$;
        """

    static let beforeRows = #"""
        CREATE SCHEMA app AUTHORIZATION schema_owner;
        CREATE SCHEMA "Odd.Schema ""x""";
        CREATE EXTENSION pg_trgm WITH SCHEMA app;
        COMMENT ON SCHEMA app IS 'the application''s';

        CREATE TYPE app.mood AS ENUM ('sad', 'it''s fine', 'happy');
        CREATE TYPE app.point3 AS (x int, y numeric(10,2), z text);
        CREATE DOMAIN app.positive AS int CHECK (VALUE > 0);
        CREATE TYPE app.span AS RANGE (subtype = float8, subtype_diff = float8mi);
        CREATE COLLATION app.german (provider = libc, locale = 'C');

        CREATE FUNCTION app.twice(v int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT v * 2';
        CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS $f$
            BEGIN
            -- a comment that looks like an archive: -- TOC entry 1 (class 1259 OID 1)
            NEW.note := coalesce(NEW.note, '') || '!'; RETURN NEW; END $f$;
        CREATE PROCEDURE app.nothing() LANGUAGE sql AS 'SELECT 1';
        CREATE AGGREGATE app.total(int) (sfunc = int4pl, stype = int, initcond = '0');
        CREATE OPERATOR app.+& (leftarg = int, rightarg = int, function = int4pl);
        CREATE CAST (app.point3 AS text) WITH INOUT;

        CREATE TABLE app.customer (
            id bigint GENERATED ALWAYS AS IDENTITY (START 100 INCREMENT 5) PRIMARY KEY,
            name text COLLATE app.german NOT NULL,
            mood app.mood DEFAULT 'it''s fine',
            place app.point3,
            size app.positive,
            twice int GENERATED ALWAYS AS (app.twice(size)) STORED,
            during app.span,
            tags text[] DEFAULT '{}' NOT NULL,
            CONSTRAINT "named ""check""" CHECK (name <> ''));
        ALTER TABLE app.customer OWNER TO schema_owner;
        COMMENT ON COLUMN app.customer.name IS E'two\nlines';
        ALTER TABLE app.customer ALTER COLUMN name SET STATISTICS 500;
        ALTER TABLE app.customer ALTER COLUMN tags SET STORAGE EXTERNAL;

        CREATE TABLE app."order" (
            id serial PRIMARY KEY, customer bigint REFERENCES app.customer DEFERRABLE INITIALLY DEFERRED,
            placed timestamptz NOT NULL, note text, room int, during tsrange,
            UNIQUE (customer, placed) DEFERRABLE,
            EXCLUDE USING gist (during WITH &&) WHERE (room IS NOT NULL));
        CREATE TABLE app.parent (id int NOT NULL, kind text);
        CREATE TABLE app.child (extra int) INHERITS (app.parent);
        CREATE TABLE app.loop_a (id int PRIMARY KEY, b int);
        CREATE TABLE app.loop_b (id int PRIMARY KEY, a int REFERENCES app.loop_a);
        ALTER TABLE app.loop_a ADD FOREIGN KEY (b) REFERENCES app.loop_b;

        CREATE TABLE app.event (id bigint, at date NOT NULL, what text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
        CREATE TABLE app.event_old PARTITION OF app.event FOR VALUES FROM (MINVALUE) TO ('2020-01-01');
        CREATE TABLE app.event_new PARTITION OF app.event FOR VALUES FROM ('2020-01-01') TO (MAXVALUE)
            PARTITION BY HASH (id);
        CREATE TABLE app.event_new_0 PARTITION OF app.event_new FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE app."event new 1" PARTITION OF app.event_new FOR VALUES WITH (MODULUS 2, REMAINDER 1);
        CREATE INDEX ON app.event (what);
        CREATE TABLE app.event_detail (id bigint, at date, FOREIGN KEY (id, at) REFERENCES app.event);

        CREATE TABLE "Odd.Schema ""x"""."Table; DROP TABLE app.customer; --" (
            "Column, "" with 'everything'" int PRIMARY KEY, "SELECT" text, U&"\0441\043B" text);
        CREATE TABLE "Odd.Schema ""x"""."line
        break" (id int UNIQUE, v text NOT NULL);
        CREATE UNIQUE INDEX "odd index %s $1" ON "Odd.Schema ""x"""."line
        break" (v);
        ALTER TABLE "Odd.Schema ""x"""."line
        break" REPLICA IDENTITY USING INDEX "odd index %s $1";
        COMMENT ON TABLE "Odd.Schema ""x"""."line
        break" IS 'a comment; with everything';
        CREATE TABLE app.no_columns ();
        CREATE TABLE app.full_identity (v text);
        ALTER TABLE app.full_identity REPLICA IDENTITY FULL;
        CREATE UNLOGGED TABLE app.scratch (id int PRIMARY KEY);

        CREATE SEQUENCE app."Loose ""Seq""" INCREMENT -3 MINVALUE -1000 MAXVALUE 50 START 50 CACHE 10 CYCLE;
        CREATE SEQUENCE app.small AS smallint START 7;

        CREATE VIEW app.happy AS SELECT id, name FROM app.customer WHERE mood = 'happy' WITH LOCAL CHECK OPTION;
        CREATE VIEW app.grouped AS SELECT c.*, count(*) AS n FROM app.customer c JOIN app."order" o ON o.customer = c.id
            GROUP BY c.id;
        CREATE MATERIALIZED VIEW app.a_last AS SELECT 1 AS one WITH NO DATA;
        CREATE MATERIALIZED VIEW app.z_first AS SELECT id, name FROM app.customer;
        CREATE VIEW app.between_them AS SELECT count(*) AS n FROM app.z_first;
        CREATE MATERIALIZED VIEW app.b_second AS SELECT n FROM app.between_them;
        CREATE UNIQUE INDEX ON app.z_first (id);
        """#

    static let afterRows = #"""
        CREATE INDEX customer_name ON app.customer (lower(name) text_pattern_ops) INCLUDE (id) WHERE size IS NOT NULL;
        ALTER TABLE app.customer CLUSTER ON customer_pkey;
        CREATE INDEX customer_tags ON app.customer USING gin (tags);
        DO $d$ BEGIN EXECUTE 'CREATE INDEX long_predicate ON app.loop_a (b) WHERE '
            || (SELECT string_agg('b <> ' || i, ' AND ') FROM generate_series(1, 300) i); END $d$;
        CREATE INDEX customer_trgm ON app.customer USING gin (name app.gin_trgm_ops);
        ALTER TABLE app.child ADD CONSTRAINT unchecked_check CHECK (extra > 0) NOT VALID;
        ALTER TABLE app.event_detail ADD CONSTRAINT unchecked_key FOREIGN KEY (id) REFERENCES app.customer NOT VALID;
        CREATE STATISTICS app.mood_and_size (dependencies, mcv) ON mood, size FROM app.customer;
        CREATE TRIGGER always AFTER INSERT ON app.customer FOR EACH STATEMENT EXECUTE FUNCTION suppress_redundant_updates_trigger();
        DROP TRIGGER always ON app.customer;
        CREATE TRIGGER touch BEFORE INSERT OR UPDATE OF note ON app."order" FOR EACH ROW EXECUTE FUNCTION app.touch();
        CREATE TRIGGER "odd; trigger" BEFORE INSERT ON app."order" FOR EACH ROW EXECUTE FUNCTION app.touch();
        ALTER TABLE app."order" DISABLE TRIGGER "odd; trigger";
        CREATE RULE no_delete AS ON DELETE TO app.loop_a DO INSTEAD NOTHING;
        CREATE VIEW app.latest AS SELECT id, note FROM app."order";
        CREATE RULE latest_insert AS ON INSERT TO app.latest DO INSTEAD INSERT INTO app."order" (placed, note)
            VALUES (now(), new.note);
        ALTER TABLE app.customer ENABLE ROW LEVEL SECURITY;
        CREATE POLICY mine ON app.customer FOR SELECT TO schema_reader USING (name = current_user);
        CREATE POLICY "odd ""policy""" ON app.customer TO "Odd ""Role""" USING (true) WITH CHECK (id > 0);
        GRANT USAGE ON SCHEMA app TO schema_reader, "Odd ""Role""";
        GRANT SELECT, UPDATE (name) ON app.customer TO schema_reader WITH GRANT OPTION;
        GRANT ALL ON ALL SEQUENCES IN SCHEMA app TO "Odd ""Role""";
        REVOKE ALL ON FUNCTION app.twice(int) FROM PUBLIC;
        ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO schema_reader;
        ALTER DEFAULT PRIVILEGES FOR ROLE schema_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
        COMMENT ON FUNCTION app.twice(int) IS 'doubles';
        COMMENT ON CONSTRAINT "named ""check""" ON app.customer IS 'not empty';
        COMMENT ON INDEX app.customer_name IS 'by name';
        CREATE TEXT SEARCH CONFIGURATION app.words (COPY = pg_catalog.simple);
        CREATE FUNCTION app.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
        CREATE EVENT TRIGGER "watch ddl" ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION app.on_ddl();
        ALTER EVENT TRIGGER "watch ddl" DISABLE;
        CREATE PUBLICATION theirs FOR TABLE app.customer;
        """#

    static let rows = """
        INSERT INTO app.customer (id, name, mood, size, during) OVERRIDING SYSTEM VALUE
            SELECT g, 'c' || g, 'happy', g, '[1,2)' FROM generate_series(1, 200) g;
        INSERT INTO app."order" (id, customer, placed, room, during)
            SELECT g, g, '2024-01-01', 1, tsrange(timestamp '2024-01-01' + g * interval '1 day',
                timestamp '2024-01-02' + g * interval '1 day') FROM generate_series(1, 100) g;
        INSERT INTO app.event SELECT g, date '2019-12-01' + g, 'w' FROM generate_series(1, 100) g;
        INSERT INTO app.event_detail SELECT 1, '2019-12-02';
        INSERT INTO app.child VALUES (1, 'k', -1);
        INSERT INTO app.loop_a VALUES (1, NULL);
        INSERT INTO app.loop_b VALUES (1, 1);
        """
}
