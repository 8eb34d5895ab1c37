// tandem is replaced by a later version in the middle of a migration: what an earlier one made in the databases is brought up to
// date, or refused by name. Fixtures are the statements of earlier versions, as they were.

import Foundation
import TestSupport
import Testing

@Suite(.blocking) struct LayoutTests {
    private static let fixtures = String(#filePath.dropLast("LayoutTests.swift".count)) + "Fixtures"

    /// Takes everything from schema `tandem` that the fixture does not have. The publication's table stays the one it is.
    private func takeBack(_ side: Database, to fixture: String) throws {
        let text = try String(contentsOfFile: "\(Self.fixtures)/\(fixture)", encoding: .utf8)
        try side.sql(
            text.replacing("tandem.", with: "tandem_then.").replacing(
                "SCHEMA IF NOT EXISTS tandem;", with: "SCHEMA tandem_then;"))
        try side.sql(
            """
            DO $$ DECLARE one record; BEGIN
                FOR one IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'tandem'::regnamespace AND c.relkind = 'r'
                    AND to_regclass('tandem_then.' || quote_ident(c.relname)) IS NULL
                LOOP EXECUTE format('DROP TABLE tandem.%I CASCADE', one.relname); END LOOP;
                FOR one IN SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
                    WHERE c.relnamespace = 'tandem'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
                      AND NOT EXISTS (SELECT FROM pg_attribute t WHERE t.attname = a.attname AND NOT t.attisdropped
                          AND t.attrelid = to_regclass('tandem_then.' || quote_ident(c.relname)))
                LOOP EXECUTE format('ALTER TABLE tandem.%I DROP COLUMN %I', one.relname, one.attname); END LOOP;
            END $$;
            DROP SCHEMA tandem_then CASCADE;
            COMMENT ON SCHEMA tandem IS 'belongs to tandem (replication from another database); removed by tandem abort or finish';
            """)
    }

    /// Every column of schema `tandem`, whatever their order, and every key.
    private func shape(_ side: Database) throws -> [String] {
        let text = try side.value(
            """
            SELECT string_agg(line, E'\n' ORDER BY line COLLATE "C") FROM (
                SELECT format('%s.%s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                              pg_get_expr(d.adbin, d.adrelid))
                  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
                 WHERE c.relnamespace = 'tandem'::regnamespace AND c.relkind = 'r'
                UNION ALL
                SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
                 WHERE c.relnamespace = 'tandem'::regnamespace) all_of_it(line)
            """)
        return (text ?? "").split(separator: "\n").map(String.init)
    }

    @Test func anEarlierSchemaIsBroughtUpToDateAndTheStreamGoesOn() throws {
        let s = try Scenario("layout")
        defer { s.end() }
        try s.both("CREATE TABLE public.item (id int PRIMARY KEY, n int)")
        try s.writeConfiguration(initialCopy: "all")
        try s.old.sql("INSERT INTO public.item SELECT g, g FROM generate_series(1, 1000) g")
        let before = try s.start("run")
        try s.catchUp()
        for side in [s.old, s.new] { try side.wait(for: "SELECT count(*) FROM tandem.epoch", toBe: "1") }
        #expect(try before.stop() == .exited(0))
        let fresh = try [s.old, s.new].map(shape)
        #expect(fresh[0].count > 20 && fresh[1].count > 80, "\(fresh.map(\.count))")
        try takeBack(s.old, to: "layout-0-old.sql")
        try takeBack(s.new, to: "layout-0-new.sql")
        for side in [s.old, s.new] { #expect(try side.value("SELECT to_regclass('tandem.epoch') IS NULL") == "t") }
        #expect(try [s.old, s.new].map(shape).map(\.count) != fresh.map(\.count))
        // The ledger of twins was kept by table alone.
        try s.new.sql(
            """
            CREATE TABLE tandem.twin (stream text, schema_name text, table_name text, matched int8 NOT NULL, late int8 NOT NULL,
                failed int8 NOT NULL, orphan int8 NOT NULL, foreign_ int8 NOT NULL, repaired int8 NOT NULL,
                last_at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (stream, schema_name, table_name));
            INSERT INTO tandem.twin VALUES ('\(s.slotName)', 'public', 'item', 1, 2, 3, 4, 5, 6)
            """)
        #expect(try s.tandem("fleet").exitCode == 0)
        try s.old.sql("UPDATE public.item SET n = -n WHERE id <= 500; DELETE FROM public.item WHERE id > 900")

        let after = try s.start("run")
        try s.catchUp()
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new) == [])
        #expect(after.log.components(separatedBy: "event=\"schema brought up to date\"").count == 3, "\(after.tail)")
        for side in [s.old, s.new] {
            let comment = try side.value("SELECT obj_description('tandem'::regnamespace)") ?? ""
            #expect(comment.hasSuffix("; layout 3"))
        }
        #expect(
            try s.new.value("SELECT concat_ws(' ', application, matched, repaired) FROM tandem.twin") == " 1 6")
        #expect(
            try s.new.value(
                "SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'tandem.twin_pkey'::regclass"
            )
                == "stream schema_name table_name application")
        try s.new.sql("DROP TABLE tandem.twin")
        // Nobody could tell it from one that was made by this version.
        for side in [s.old, s.new] { try side.wait(for: "SELECT count(*) FROM tandem.epoch", toBe: "1") }
        for (side, made) in zip([s.old, s.new], fresh) {
            let now = try shape(side)
            #expect(now == made, "\(Set(now).symmetricDifference(made).sorted())")
        }
        // Beside other tests the copy's end may not be on record yet, and what is not complete is not compared.
        try s.new.wait(for: "SELECT completed_at IS NOT NULL FROM tandem.copy", toBe: "t")
        // What needs the tables that were not there.
        let verified = try s.tandem("verify")
        #expect(verified.exitCode == 0, "\(verified.stdout)\n\(verified.stderr)")
        #expect(try s.tandem("step").exitCode == 0)
        #expect(try s.tandem("status").exitCode == 0)
        #expect(try after.stop() == .exited(0))
        // Once is enough.
        let again = try s.start("run")
        try s.catchUp()
        #expect(!again.log.contains("brought up to date"))
        #expect(try again.stop() == .exited(0))
        #expect(try s.tandem("abort", "--yes").exitCode == 0)
    }

    /// A released version's migrations are out there: what makes schema `tandem` may only change together with its number, and
    /// what an earlier number meant stays on record, for who has to bring it up to date.
    @Test func theStatementsAreThoseOfTheirNumber() throws {
        let root = String(#filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined())
        let layout = try String(contentsOfFile: "\(root)/Sources/State/StateLayout.swift", encoding: .utf8)
        let number = try #require(layout.firstMatch(of: /static let current = ([0-9]+)/)).1
        var statements: [String] = []
        let folder = "\(root)/Sources"
        for file in try FileManager.default.subpathsOfDirectory(atPath: folder) where file.hasSuffix(".swift") {
            let text = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
            // To the statement's end, or to that of the text it stands in.
            let makes =
                /(CREATE (?:UNIQUE )?(?:TABLE|INDEX|SEQUENCE)|ALTER TABLE) (?:IF (?:NOT )?EXISTS )?(?:\w+ ON )?tandem\.(?:(?!""")[^;`])*/
            for match in text.matches(of: makes) {
                statements.append(match.0.split(whereSeparator: \.isWhitespace).joined(separator: " ") + ";")
            }
        }
        let text = Set(statements).sorted().joined(separator: "\n") + "\n"
        #expect(statements.count > 20, "\(statements.count)")
        let path = "\(Self.fixtures)/layout-\(number).sql"
        guard let known = try? String(contentsOfFile: path, encoding: .utf8) else {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            Issue.record("Fixtures/layout-\(number).sql was not there and has been written: it belongs to this change")
            return
        }
        let changed = Set(known.split(separator: "\n")).symmetricDifference(text.split(separator: "\n")).sorted()
        #expect(
            changed.isEmpty,
            """
            schema `tandem` is made by other statements: count StateLayout.current up, see that bringUpToDate leads from \
            layout \(number) there, and run this again. Before a first release, delete layout-\(number).sql instead.
            \(changed.joined(separator: "\n"))
            """)
    }

    @Test func whatALaterVersionMadeIsRefusedByName() throws {
        let s = try Scenario("later")
        defer { s.end() }
        try s.prepare()
        for side in [s.old, s.new] {
            let comment = try side.value("SELECT obj_description('tandem'::regnamespace)") ?? ""
            try side.sql("COMMENT ON SCHEMA tandem IS 'belongs to tandem; layout 99'")
            let outcome = try s.tandem("run")
            #expect(outcome.exitCode == 3, "\(outcome.stderr)")
            #expect(outcome.stderr.contains("layout 99, of a later tandem"), "\(outcome.stderr)")
            let status = try s.tandem("status")
            #expect(status.exitCode == 1 && (status.stdout + status.stderr).contains("layout 99"), "\(status.stdout)")
            try side.sql("COMMENT ON SCHEMA tandem IS '\(comment)'")
        }
        #expect(try s.tandem("run", "--until", "caught-up").exitCode == 0)
    }

    @Test func oneThatCannotBeBroughtUpToDateIsRefusedByName() throws {
        let s = try Scenario("early")
        defer { s.end() }
        try s.prepare()
        // As it was before progress stood in a row.
        try s.new.sql(
            "ALTER TABLE tandem.stream DROP COLUMN applied_lsn; COMMENT ON SCHEMA tandem IS 'belongs to tandem'")
        let outcome = try s.tandem("run")
        #expect(outcome.exitCode == 3 && outcome.stderr.contains("of an early tandem"), "\(outcome.stderr)")
        #expect(try s.new.value("SELECT obj_description('tandem'::regnamespace)") == "belongs to tandem")
    }
}
