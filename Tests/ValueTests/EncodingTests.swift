// Databases that write characters differently: the same characters arrive, or an error that says where. Never a '?'.

import TestSupport
import Testing

@Suite(.blocking) struct EncodingTests {
    private static func of(_ encoding: String) -> String {
        "ENCODING '\(encoding)' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    }

    private func carrying(_ old: String, _ new: String, _ travel: Travel) throws -> Carrying {
        let carrying = try Carrying("\(old) \(new)", travel, databaseOptions: (Self.of(old), Self.of(new)))
        try carrying.scenario.both(
            """
            CREATE TABLE t (id int PRIMARY KEY, x text, y varchar(20), j json);
            CREATE TABLE keyless (x text); ALTER TABLE keyless REPLICA IDENTITY FULL
            """)
        return carrying
    }

    private func expectSameCharacters(
        _ s: Scenario, _ tables: String..., at location: SourceLocation = #_sourceLocation
    ) throws {
        let outcome = try s.tandem("run", "--until", "caught-up")
        #expect(outcome.exitCode == 0, "\(outcome.stderr)", sourceLocation: location)
        for table in tables {
            let query = "SELECT * FROM \(table) ORDER BY 1"
            #expect(try s.old.sql(query) == s.new.sql(query), sourceLocation: location)
        }
    }

    @Test(arguments: Travel.allCases)
    func fromUTF8ToLatin1(_ travel: Travel) throws {
        let carrying = try carrying("UTF8", "LATIN1", travel)
        let s = carrying.scenario
        defer { s.end() }
        try s.both("CREATE TABLE \"Größe\" (\"naïve\" int PRIMARY KEY, \"µ\" text)")
        try s.prepare()
        try s.old.sql(
            """
            INSERT INTO t VALUES (1, 'Motörhead', 'ÿ', '"é"'); INSERT INTO "Größe" VALUES (1, '£'); INSERT INTO keyless VALUES ('é'), ('é'), ('ö');
            DELETE FROM keyless WHERE ctid = (SELECT min(ctid) FROM keyless); UPDATE keyless SET x = 'ü' WHERE x = 'ö';
            """)
        try expectSameCharacters(s, "t", "\"Größe\"", "keyless")
        try s.old.sql("INSERT INTO t VALUES (2, '20 €', '', 'null'), (3, '日本', '', '1')")
        try carrying.expectRefused("public.t", "0xe2 0x82 0xac", "LATIN1", "22P05")
        #expect(try s.new.value("SELECT count(*) FROM t") == "1")
    }

    @Test(arguments: Travel.allCases)
    func toUTF8(_ travel: Travel) throws {
        for (encoding, text) in [("LATIN1", "Straße ÿ £"), ("EUC_JP", "日本語 ｶﾅ")] {
            let carrying = try carrying(encoding, "UTF8", travel)
            let s = carrying.scenario
            defer { s.end() }
            try s.both("CREATE TABLE \"\(text)\" (id int PRIMARY KEY, \"\(text)\" text)")
            try s.prepare()
            try s.old.sql(
                """
                INSERT INTO t VALUES (1, '\(text)', '\(text)', '"\(text)"'); INSERT INTO "\(text)" VALUES (1, '\(text)');
                INSERT INTO keyless VALUES ('\(text)'), ('x'); DELETE FROM keyless WHERE x <> 'x';
                """)
            try expectSameCharacters(s, "t", "\"\(text)\"", "keyless")
        }
    }

    @Test(arguments: Travel.allCases)
    func bytesWithoutAnEncoding(_ travel: Travel) throws {
        let carrying = try carrying("SQL_ASCII", "UTF8", travel)
        let s = carrying.scenario
        defer { s.end() }
        try s.prepare()
        try s.old.sql(
            "SET client_encoding = 'SQL_ASCII'; INSERT INTO t VALUES (1, 'Motörhead', '', 'null'); INSERT INTO keyless VALUES ('é')"
        )
        try expectSameCharacters(s, "t", "keyless")
        try s.old.sql("SET client_encoding = 'SQL_ASCII'; INSERT INTO t VALUES (2, E'x\\x80', '', 'null')")
        try carrying.expectRefused("public.t", "invalid byte sequence", "0x80", "22021")
        #expect(try s.new.value("SELECT count(*) FROM t") == "1")
    }

    /// Such a character cannot leave old at all: said three times, it is an operator's, and `run` alone says so too.
    @Test func aCharacterThatOldCannotSay() throws {
        let carrying = try carrying("WIN1252", "UTF8", .text)
        let s = carrying.scenario
        defer { s.end() }
        try s.prepare()
        try s.old.sql("SET client_encoding = 'WIN1252'; INSERT INTO t VALUES (1, 'a', '', 'null')")
        try expectSameCharacters(s, "t")
        try s.old.sql("SET client_encoding = 'WIN1252'; INSERT INTO t VALUES (2, 'b', '', 'null')")
        try s.old.sql("SET client_encoding = 'WIN1252'; INSERT INTO t VALUES (3, E'\\x81', '', 'null')")
        try carrying.expectRefused("22P05", "0x81", "tandem abort")
        #expect(try s.new.value("SELECT count(*) FROM t") == "2")
        let run = try s.start("run")
        try run.waitForLog("event=blocked")
        let status = try poll(within: .seconds(60)) {
            let shown = try s.tandem("status").stdout
            return shown.contains("blocked") && shown.contains("0x81") ? shown : nil
        }
        #expect(status != nil, "\(run.tail)")
        #expect(try run.stop() == .exited(0))
    }

    @Test(arguments: Travel.allCases)
    func bytesWithoutAnEncodingOnBothSides(_ travel: Travel) throws {
        let carrying = try carrying("SQL_ASCII", "SQL_ASCII", travel)
        let s = carrying.scenario
        defer { s.end() }
        try s.prepare()
        try s.old.sql(
            "SET client_encoding = 'SQL_ASCII'; INSERT INTO t VALUES (1, E'\\x80\\xff', 'é', 'null'); INSERT INTO keyless VALUES (E'\\xc3')"
        )
        let outcome = try s.tandem("run", "--until", "caught-up")
        #expect(outcome.exitCode == 0, "\(outcome.stderr)")
        #expect(try s.new.value("SELECT encode(convert_to(x, 'SQL_ASCII'), 'hex') FROM t") == "80ff")
        #expect(try s.new.value("SELECT encode(convert_to(x, 'SQL_ASCII'), 'hex') FROM keyless") == "c3")
    }

    /// What such a database calls a table need not be characters either.
    @Test func namesWithoutAnEncoding() throws {
        let carrying = try carrying("SQL_ASCII", "SQL_ASCII", .text)
        let s = carrying.scenario
        defer { s.end() }
        try s.both(
            """
            SET client_encoding = 'SQL_ASCII';
            DO $$ BEGIN EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY)', E'odd\\x80'); END $$
            """)
        let refused = try s.tandem("prepare")
        #expect(refused.exitCode != 0, "\(refused.stdout)")
        #expect(refused.stderr.contains("public.") && refused.stderr.contains("odd"), "\(refused.stderr)")
    }

    /// To a collation that calls different bytes equal: rows are found by key, or exactly, and never the wrong one.
    @Test(arguments: Travel.allCases)
    func collationsForWhichDifferentIsEqual(_ travel: Travel) throws {
        let carrying = try Carrying("collation", travel)
        let s = carrying.scenario
        defer { s.end() }
        let loose = "CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false);"
        try s.both(loose)
        try s.old.sql("CREATE TABLE keyed (x text PRIMARY KEY, n int); CREATE TABLE keyless (x text, n int)")
        try s.new.sql(
            "CREATE TABLE keyed (x text COLLATE loose PRIMARY KEY, n int); CREATE TABLE keyless (x text COLLATE loose, n int)"
        )
        try s.both("CREATE INDEX ON keyless (x); ALTER TABLE keyless REPLICA IDENTITY FULL")
        try s.prepare()
        try s.old.sql(
            """
            INSERT INTO keyed VALUES (E'\\u00e4bc', 1), ('xyz', 1); UPDATE keyed SET n = 2; UPDATE keyed SET x = E'a\\u0308bc' WHERE n = 2 AND x <> 'xyz';
            INSERT INTO keyless VALUES (E'\\u00e4bc', 1), (E'a\\u0308bc', 1), ('ABC', 1), ('abc', 1);
            UPDATE keyless SET n = 2 WHERE x = E'a\\u0308bc'; DELETE FROM keyless WHERE x = 'ABC'; UPDATE keyless SET x = 'Abc' WHERE x = 'abc';
            """)
        try carrying.expectCarried()
        // Two keys on old that are one on new.
        try s.old.sql("INSERT INTO keyed VALUES ('XYZ', 3)")
        try carrying.expectRefused("public.keyed", "23505")
        #expect(try s.new.value("SELECT n FROM keyed WHERE x = 'xyz'") == "2")
    }
}
