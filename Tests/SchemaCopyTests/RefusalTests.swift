// What stands in the way is found before anything is made, all of it at once, each with its remedy.

import Model
import SchemaCopy
import TestSupport
import Testing

@Suite(.blocking) struct RefusalTests {
    private func refusal(_ copying: Copying) -> SchemaError? {
        let error = #expect(throws: SchemaError.self) { try copying.copy().survey() }
        #expect(error?.exitCode == .refused)
        return error
    }

    @Test func rolesAreNamedWithTheirStatements() throws {
        let copying = try Copying("roles")
        defer { copying.scenario.end() }
        try copying.old.sql(
            #"""
            CREATE ROLE "only old" LOGIN NOINHERIT; CREATE ROLE grantee_of_old; CREATE ROLE policy_of_old CREATEDB;
            CREATE TABLE t (id int); ALTER TABLE t OWNER TO "only old"; GRANT SELECT (id) ON t TO grantee_of_old;
            CREATE POLICY p ON t TO policy_of_old USING (true);
            """#)
        defer {
            _ = try? copying.old.sql(
                #"DROP OWNED BY "only old", grantee_of_old, policy_of_old; DROP ROLE "only old", grantee_of_old, policy_of_old"#
            )
        }
        let error = refusal(copying)
        #expect(
            error?.hint
                == #"CREATE ROLE grantee_of_old; CREATE ROLE "only old" LOGIN NOINHERIT; CREATE ROLE policy_of_old CREATEDB;"#
                .replacing("grantee_of_old", with: #""grantee_of_old""#)
                .replacing("policy_of_old", with: #""policy_of_old""#))
        #expect(try copying.new.value("SELECT to_regclass('t')") == nil)
    }

    @Test func anExtensionThatNewLacksIsNamed() throws {
        // Its control file is not there for new alone on one machine, so old gets one that no server has.
        let copying = try Copying("extension")
        defer { copying.scenario.end() }
        try copying.old.sql(
            "CREATE EXTENSION pg_trgm; UPDATE pg_extension SET extname = 'gone' WHERE extname = 'pg_trgm'")
        let error = refusal(copying)
        #expect(error?.description.contains(#"does not have extension "gone", which old uses"#) == true)
        #expect(error?.hint?.contains("postgresql-\(copying.new.cluster.installation.major)") == true)
    }

    @Test func tablesThatAreThereAreCompared() throws {
        let copying = try Copying("existing")
        defer { copying.scenario.end() }
        try copying.old.sql(
            """
            CREATE TABLE fits (id int PRIMARY KEY, v varchar(10), w int NOT NULL); CREATE TABLE short (v varchar(10));
            CREATE TABLE less (id int, missing text); CREATE TABLE strict (v text); CREATE TABLE viewed (v text);
            CREATE TABLE more (id int); CREATE TABLE made (id int, g int); CREATE TABLE dropped (a int, b int);
            ALTER TABLE dropped DROP a;
            """)
        try copying.new.sql(
            """
            CREATE TABLE fits (extra int DEFAULT 1, v text, id bigint, w int, free text);
            CREATE TABLE short (v varchar(9));
            CREATE TABLE less (id int); CREATE TABLE strict (v text NOT NULL); CREATE VIEW viewed AS SELECT 'x'::text AS v;
            CREATE TABLE more (id int, must int NOT NULL);
            CREATE TABLE made (id int, g int GENERATED ALWAYS AS (id) STORED);
            CREATE TABLE dropped (b int);
            """)
        let said = refusal(copying)?.description ?? ""
        for part in [
            #"public.short, which is on new already, has column "v" as character varying(9) on new"#,
            #"public.less, which is on new already, has no column "missing" on new"#,
            #"public.strict, which is on new already, has column "v" NOT NULL on new"#,
            "public.viewed, which is on new already, on new is not a table",
            #"public.more, which is on new already, has column "must" on new, which old lacks"#,
            #"public.made, which is on new already, has column "g" generated on new"#,
        ] { #expect(said.contains(part), "\(part) in \(said)") }
        #expect(!said.contains("fits") && !said.contains("dropped"))
        try copying.new.sql("DROP TABLE short, less, strict, more, made; DROP VIEW viewed")
        let copy = copying.copy()
        let plan = try copy.survey()
        #expect(plan.existing.map(\.name) == ["dropped", "fits"])
        #expect(
            plan.notes == [
                #"public.fits column "id" is bigint on new, integer on old"#,
                #"public.fits column "id" is NOT NULL on old, but not on new"#,
                #"public.fits column "v" is text on new, character varying(10) on old"#,
                #"public.fits column "w" is NOT NULL on old, but not on new"#,
            ])
        try copy.makeTables()
        try copy.finishAll()
        let key = "SELECT count(*) FROM pg_index WHERE indrelid = 'fits'::regclass AND indisprimary"
        #expect(try copying.new.value(key) == "1")
        #expect(
            try copying.new.value("SELECT count(*) FROM pg_attribute WHERE attrelid = 'fits'::regclass AND attnum > 0")
                == "5")
    }

    /// A root that is flat on new, or has its key under another name.
    @Test func anotherShapeOnNewIsLeftAsItIs() throws {
        let copying = try Copying("shape")
        defer { copying.scenario.end() }
        try copying.old.sql(
            """
            CREATE TABLE flat (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
            CREATE TABLE flat_1 PARTITION OF flat FOR VALUES FROM (0) TO (10); CREATE INDEX ON flat (v);
            CREATE TABLE keyed (id int PRIMARY KEY); CREATE TABLE refers (id int REFERENCES keyed);
            """)
        try copying.new.sql(
            "CREATE TABLE flat (id int PRIMARY KEY, v text); CREATE TABLE keyed (id int CONSTRAINT own_name PRIMARY KEY)"
        )
        let copy = copying.copy()
        _ = try copy.survey()
        try copy.makeTables()
        try copy.finish(table: QualifiedName(schema: "public", name: "flat"))
        try copy.finishAll()
        #expect(try copying.new.value("SELECT to_regclass('flat_1')") == nil)
        #expect(try copying.new.value("SELECT count(*) FROM pg_index WHERE indrelid = 'flat'::regclass") == "2")
        #expect(try copying.new.value("SELECT count(*) FROM pg_constraint WHERE contype = 'f'") == "1")
    }

    @Test func whatIsNotCarriedIsNamed() throws {
        let copying = try Copying("left")
        defer { copying.scenario.end() }
        try copying.old.sql(
            """
            SELECT lo_create(0); CREATE UNLOGGED TABLE u (id int); CREATE EXTENSION postgres_fdw;
            CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw; CREATE FOREIGN TABLE f (id int) SERVER s;
            CREATE PUBLICATION others; CREATE SUBSCRIPTION sub CONNECTION 'host=nowhere' PUBLICATION p
                WITH (connect = false, slot_name = NONE);
            DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = ''5MB''', current_database()); END $$;
            """)
        let plan = try copying.copy().survey()
        let kinds = plan.notCarried.map { "\($0.kind) \($0.name ?? "-")" }.sorted()
        #expect(
            kinds == [
                "database settings work_mem", "foreign table public.f", "large objects -", #"publication "others""#,
                #"subscription "sub""#, "unlogged table public.u",
            ])
        try copying.old.sql("DROP SUBSCRIPTION sub")
    }
}
