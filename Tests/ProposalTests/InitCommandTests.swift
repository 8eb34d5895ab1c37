// From a connection string to a configuration, with a real server.

import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.blocking) struct InitCommandTests {
    @Test func looksAtOldProposesAndNeverOverwrites() throws {
        let s = try Scenario("init", marker: false)
        defer { s.end() }
        try FileManager.default.removeItem(atPath: s.configurationPath)
        try s.old.sql(
            """
            CREATE TABLE orders (id int PRIMARY KEY, v text); INSERT INTO orders VALUES (1, 'x'); ANALYZE orders;
            CREATE TABLE log (v text); CREATE UNLOGGED TABLE scratch (id int);
            CREATE SCHEMA stats; CREATE TABLE stats.sales (day date PRIMARY KEY, n int, updated_at timestamptz DEFAULT now());
            CREATE INDEX ON stats.sales (updated_at);
            CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated_at := now(); RETURN NEW; END $$;
            CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON stats.sales FOR EACH ROW EXECUTE FUNCTION touch();
            CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
            CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (9);
            CREATE MATERIALIZED VIEW top AS SELECT v FROM orders;
            """)
        let made = try s.tandem(
            "init", "--old", s.old.connection + " password=open-sesame", "--new", s.new.connection, "--migration", "t")
        #expect(made.exitCode == 0, "\(made.stderr)")
        #expect(!(made.stdout + made.stderr).contains("open-sesame") && made.stderr.contains(".pgpass"))
        var found = stat()
        #expect(stat(s.configurationPath, &found) == 0 && found.st_mode & 0o777 == 0o600)
        let text = try String(contentsOfFile: s.configurationPath, encoding: .utf8)
        for part in [
            "  - public.orders  # 1 row,", "  - public.parts   # partitioned",
            "- table: stats.sales\n    modified: updated_at",
            "- table: public.top\n    refresh: full", "kept current by a trigger", "  - public.scratch", "undecided:\n",
        ] { #expect(text.contains(part), "\(part)\n\(text)") }
        #expect(!text.contains("parts_1"))

        let refused = try s.tandem("run")
        #expect(refused.exitCode == 2 && refused.stderr.contains("`public.log` is undecided"), "\(refused.stderr)")
        let shown = try s.tandem("config", "show")
        #expect(shown.exitCode == 0, "\(shown.stderr)")
        #expect(!(shown.stdout + shown.stderr).contains("open-sesame"))
        for part in [
            "limits.memory           256 MB  (default)", "undecided (1 table)\n    public.log", "stats.sales  (line",
        ] {
            #expect(shown.stdout.contains(part), "\(part)\n\(shown.stdout)")
        }
        try s.old.sql(
            """
            CREATE TABLE later (id int PRIMARY KEY); DROP TABLE scratch; ALTER TABLE orders DROP CONSTRAINT orders_pkey;
            ALTER TABLE stats.sales RENAME updated_at TO changed_at;
            """)
        let again = try s.tandem("init", "--old", s.old.connection, "--new", s.new.connection)
        #expect(again.exitCode == 0)
        #expect(
            again.stdout.contains("not named: public.later  (data_a?")
                && again.stdout.contains("gone from old: public.scratch"))
        #expect(again.stdout.contains("no longer fits: public.orders  (data_a, line"), "\(again.stdout)")
        #expect(again.stdout.contains(#"it has no timestamp column "updated_at""#), "\(again.stdout)")
        #expect(try String(contentsOfFile: s.configurationPath, encoding: .utf8) == text)
        #expect(try s.tandem("config", "show").exitCode == 2)
    }

    @Test func allDatabasesOfAClusterArePairs() throws {
        let server = try Cluster("all")
        defer { server.remove() }
        let s = try Scenario("all", marker: false)
        defer { s.end() }
        try FileManager.default.removeItem(atPath: s.configurationPath)
        for (name, table) in [("shop", "orders"), ("Stock-1", "items"), ("empty", nil)] {
            let database = try server.createDatabase(name)
            if let table { try database.sql("CREATE TABLE \(table) (id int PRIMARY KEY); CREATE TABLE log (v text)") }
        }
        let made = try s.tandem(
            "init", "--all-databases", "--old", server.connection(), "--new", s.new.connection, "--migration", "t")
        #expect(made.exitCode == 0, "\(made.stderr)")
        let text = try String(contentsOfFile: s.configurationPath, encoding: .utf8)
        #expect(text.contains("- name: shop\n") && text.contains("- name: stock_1\n"), "\(text)")
        #expect(!text.contains("name: empty") && !text.contains("name: postgres"))
        // In two databases, and once in the file.
        #expect(text.components(separatedBy: "  - public.log").count == 2)
        // Decided by hand; a pattern that matches in one of the databases is no mistake.
        try text.replacing("undecided:", with: "exclude:").write(
            toFile: s.configurationPath, atomically: true, encoding: .utf8)
        let shown = try s.tandem("config", "show")
        #expect(shown.exitCode == 0, "\(shown.stdout) \(shown.stderr)")
        #expect(shown.stdout.contains("pair stock_1") && shown.stdout.contains("public.items"))
        #expect(try s.tandem("init").stdout.contains("names every table of old, and nothing else"))
        // One that matches in none is.
        try (text.replacing("undecided:", with: "exclude:\n  - \"public.itens\"")).write(
            toFile: s.configurationPath, atomically: true, encoding: .utf8)
        let checked = try s.tandem("preflight")
        #expect(checked.exitCode == 2 && checked.stderr.contains("did you mean `public.items`"), "\(checked.stderr)")
    }
}
