// reg* columns hold a number of one database; what travels is the name.

import TestSupport
import Testing

@Suite(.blocking) struct NamedObjectTests {
    private static let objects = """
        CREATE SCHEMA "Far Away"; CREATE TABLE "Far Away"."T.x" (id int PRIMARY KEY); CREATE TABLE public.near (id int PRIMARY KEY);
        CREATE FUNCTION "Far Away"."F"(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE FUNCTION "Far Away".g(int) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION "Far Away".g(text) RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE TYPE "Far Away"."Ty" AS (a int); CREATE TEXT SEARCH CONFIGURATION "Far Away"."Cfg" (COPY = simple);
        CREATE OPERATOR "Far Away".=== (FUNCTION = int4eq, LEFTARG = int, RIGHTARG = int);
        CREATE TABLE names (id int PRIMARY KEY, a regclass, b regproc, c regprocedure, d regtype, e regnamespace, f regconfig,
            g regoperator, h regclass[], i regrole);
        """

    @Test func namesAreResolvedWhereTheyArrive() throws {
        let carrying = try Carrying("names")
        let s = carrying.scenario
        defer { s.end() }
        try s.new.sql("CREATE TABLE shifts_every_number (id int PRIMARY KEY)")
        try s.both(Self.objects)
        try s.old.sql("ALTER DATABASE \(sqlIdentifier(s.name)) SET search_path = \"Far Away\", public")
        try s.prepare()
        try s.old.sql(
            """
            INSERT INTO names VALUES (1, '"T.x"', '"F"', 'g(text)', '"Ty"', '"Far Away"', '"Cfg"', '===(int,int)', '{near,"\\"T.x\\""}', 'postgres'),
                (2, 'near', 'g(int)'::regprocedure::oid::regproc, 'g(int)', '"Ty"[]', 'public', 'simple', '=(int,int)', '{}', 'postgres'),
                (3, 0, 0, 0, 0, 0, 0, 0, '{-}', 0);
            UPDATE names SET a = 'pg_class' WHERE id = 2;
            DELETE FROM names WHERE id = 3;
            INSERT INTO names (id, a) VALUES (3, 0)
            """.replacing("'g(int)'::regprocedure::oid::regproc", with: "'\"F\"'"))
        let outcome = try s.tandem("run", "--until", "caught-up")
        #expect(outcome.exitCode == 0, "\(outcome.stderr.suffix(3000))")
        let query = "SET search_path = ''; SELECT n::text FROM public.names n ORDER BY id"
        #expect(try s.old.sql(query) == s.new.sql(query))
        #expect(try s.new.value("SELECT a = '\"Far Away\".\"T.x\"'::regclass FROM public.names WHERE id = 1") == "t")
    }

    @Test func whatNewLacksIsNamed() throws {
        let carrying = try Carrying("missing name")
        let s = carrying.scenario
        defer { s.end() }
        try s.both("CREATE SCHEMA far; CREATE TABLE names (id int PRIMARY KEY, a regclass)")
        try s.old.sql("CREATE VIEW far.away AS SELECT 1")
        try s.prepare()
        try s.old.sql("INSERT INTO names VALUES (1, 'far.away')")
        try carrying.expectRefused("public.names", "far.away", "does not exist")
        try s.new.sql("CREATE VIEW far.away AS SELECT 1")
        let outcome = try s.tandem("run", "--until", "caught-up")
        #expect(outcome.exitCode == 0, "\(outcome.stderr)")
        #expect(try s.new.sql("SELECT * FROM names") == "1|far.away")
    }
}
