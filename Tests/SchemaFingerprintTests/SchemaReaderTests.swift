// The catalogs of real servers as descriptions: the same schema gives the same text, each change is named.

import Model
import Postgres
import SchemaFingerprint
import TestSupport
import Testing

@Suite(.blocking) struct SchemaReaderTests {
    private func describe(_ database: Database, _ isCarried: (QualifiedName) -> Bool = { _ in true }) throws
        -> SchemaDescription
    {
        let target = ConnectionTarget(conninfo: database.connection, label: "test")
        let connection = try Connection(to: target, for: .control, as: "schema test")
        return try SchemaReader(connection).describe(isCarried)
    }

    private static let types = """
        CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE DOMAIN short AS varchar(9) NOT NULL CHECK (length(VALUE) > 1);
        CREATE TYPE place AS (x int, name text COLLATE "C"); CREATE TYPE span AS RANGE (subtype = int);
        CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
        """
    private static let tables = [
        """
        CREATE TABLE a (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, m mood DEFAULT 'sad', s short, p place[], r span,
            n numeric(9, 2) DEFAULT 1.5, t text COLLATE "C" NOT NULL, u int UNIQUE,
            g int GENERATED ALWAYS AS (u * 2) STORED, CHECK (n > 0));
        CREATE UNIQUE INDEX a_lower ON a (lower(t)) WHERE u > 0; CREATE INDEX a_plain ON a (n);
        CREATE TRIGGER one BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f();
        CREATE TRIGGER two BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f(); ALTER TABLE a DISABLE TRIGGER two;
        """,
        """
        CREATE TABLE parts (id int, day date NOT NULL, a int REFERENCES b, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
        CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
        CREATE TABLE parts_rest PARTITION OF parts DEFAULT;
        CREATE TRIGGER down AFTER INSERT ON parts FOR EACH ROW EXECUTE FUNCTION f();
        """,
        "CREATE TABLE unrelated (id int, v text);",
    ]

    @Test func theSameSchemaIsTheSameWhateverTheOrderItWasMadeIn() throws {
        let s = try Scenario("seen_same", marker: false)
        defer { s.end() }
        let base = Self.types + "CREATE TABLE b (id serial PRIMARY KEY);"
        try s.old.sql(base + Self.tables.joined())
        // Other numbers of everything, a column that came and went, other ordinary indexes.
        try s.new.sql("CREATE TABLE gone (id serial PRIMARY KEY); DROP TABLE gone;" + base)
        try s.new.sql(
            Self.tables.reversed().joined() + "ALTER TABLE a ADD gone int; ALTER TABLE a DROP gone; DROP INDEX a_plain")
        let (left, right) = (try describe(s.old), try describe(s.new))
        #expect(left.differences(to: right) == [])
        #expect(left.digest == right.digest)
        #expect(SchemaDescription(text: left.text) == left)
        let lines = left.text.split(separator: "\n").map(String.init)
        for expected in [
            "table\tpublic\tparts_1\t\tbelow\tpublic.parts\tbounds\tFOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
            "column\tpublic\ta\tg\tgenerated\tstored (u * 2)\ttype\tinteger",
            "type\tpublic\tmood\t\tlabels\t'sad', 'happy'",
            "type\tpublic\tplace\t\tfields\tx integer, name text collate \"C\"",
            "type\tpublic\tspan\t\trange of\tinteger",
        ] { #expect(lines.contains(expected), "\(expected)") }
        #expect(!left.text.contains("a_plain"))
    }

    @Test func eachChangeIsNamed() throws {
        let s = try Scenario("seen_changes", marker: false)
        defer { s.end() }
        try s.old.sql(Self.types + "CREATE TABLE b (id serial PRIMARY KEY);" + Self.tables.joined())
        let carried: (QualifiedName) -> Bool = { $0.name != "unrelated" }
        var before = try describe(s.old, carried)
        #expect(!before.text.contains("unrelated"))
        for (statement, expected, isSilent) in [
            ("ALTER TABLE a ALTER n TYPE numeric(10, 2)", "column \"n\" of public.a: type was", false),
            ("ALTER TABLE a ALTER n DROP DEFAULT", "column \"n\" of public.a: default was 1.5, is not set", false),
            ("ALTER TABLE a REPLICA IDENTITY FULL", "table public.a: replica identity was not set, is full", false),
            ("ALTER TABLE a DROP CONSTRAINT a_u_key", "constraint \"a_u_key\" of public.a is gone", false),
            ("ALTER TABLE a ENABLE TRIGGER two", "trigger \"two\" of public.a: enabled was no", false),
            ("ALTER TABLE a ENABLE ALWAYS TRIGGER two", "trigger \"two\" of public.a", true),
            (
                "CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
                "trigger \"two\" of public.a: in replication", true
            ),
            ("ALTER TABLE parts_1 DISABLE TRIGGER down", "trigger \"down\" of public.parts_1 is new", false),
            ("ALTER TABLE parts DETACH PARTITION parts_rest", "table public.parts_rest: below was", false),
            ("ALTER TABLE a ENABLE ROW LEVEL SECURITY", "table public.a: row security was", true),
            ("ALTER TYPE mood ADD VALUE 'glad' BEFORE 'sad'", "type public.mood: labels was", false),
            ("ALTER DOMAIN short DROP NOT NULL", "type public.short: not null was", false),
            ("ALTER TYPE place ADD ATTRIBUTE z int", "type public.place: fields was", true),
            ("ALTER SEQUENCE b_id_seq INCREMENT 2", "sequence public.b_id_seq: increment was 1, is 2", false),
            ("DROP TABLE parts_1", "table public.parts_1 is gone", false),
            ("CREATE TABLE c (id int)", "table public.c is new", false),
        ] {
            try s.old.sql(statement)
            let after = try describe(s.old, carried)
            let found = before.differences(to: after)
            #expect(found.contains { $0.description.hasPrefix(expected) }, "\(statement): \(found)")
            #expect(found.contains { $0.isSilent(on: .new) } == isSilent, "\(statement): \(found)")
            before = after
        }
        try s.old.sql(
            "ALTER TABLE unrelated ADD w int; CREATE INDEX ON a (t); INSERT INTO b DEFAULT VALUES; VACUUM FULL a")
        #expect(before.differences(to: try describe(s.old, carried)) == [])
    }
}
