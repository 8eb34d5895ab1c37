// What a configuration holds beside plain tables of one pair: Data B, a second pair, types with odd ways to be written.

import Foundation
import TestSupport
import Testing

@Suite(.blocking) struct WholeConfigurationTests {
    /// Data B is compared like Data A, and mended; types without a binary form are compared by their text.
    @Test func dataBAndTypesThatAreOnlyText() throws {
        let s = try Scenario("both_kinds")
        defer { s.end() }
        try s.both(
            """
            CREATE TABLE odd (id int PRIMARY KEY, a aclitem, v tsvector, x xml, p jsonpath, m money, s txid_snapshot, r regtype,
              q tsquery, c "char", b bit varying, o oidvector);
            CREATE SCHEMA b; CREATE TABLE b.t (id int PRIMARY KEY, v text, at timestamptz);
            """)
        try s.old.sql(
            """
            INSERT INTO odd SELECT i, 'postgres=r/postgres', 'a:1 b:2', '<a/>', '$.a', i, '1:2:', 'int4', 'a & b', 'x', '101', '1 2'
              FROM generate_series(1, 50) i;
            INSERT INTO b.t SELECT i, 'v', now() FROM generate_series(1, 100) i
            """)
        let dataB = "data_b: [{table: b.t, modified: at, every: 1h, deletes: 1h, margin: 1ms}]"
        try s.writeConfiguration(dataA: ["public.*"], initialCopy: "all", extra: dataB)
        _ = try s.start("run")
        try s.new.wait(for: "SELECT count(*) FROM b.t", toBe: "100")
        try s.new.wait(for: "SELECT count(*) FROM tandem.copied_table WHERE state <> 'done'", toBe: "0")
        try s.catchUp()
        let before = try s.verify(expecting: 0)
        #expect(before["public.odd"]?.rowsOld == 50 && before["b.t"]?.rowsNew == 100)
        #expect(before["b.t"]?.class == "data_b")

        try s.new.sql(
            """
            UPDATE odd SET a = 'postgres=w/postgres' WHERE id = 1; UPDATE odd SET x = '<a></a>' WHERE id = 2;
            UPDATE odd SET c = '\\200' WHERE id = 3; UPDATE odd SET p = '$.b' WHERE id = 4; UPDATE odd SET o = '1 3' WHERE id = 5;
            UPDATE b.t SET v = 'w' WHERE id = 7; DELETE FROM b.t WHERE id = 8
            """)
        let after = try s.verify(expecting: 4)
        #expect(after.found == ["b.t 7 different", "b.t 8 missing"] + (1...5).map { "public.odd \($0) different" })
        let said = try s.tandem("verify", "--table", "b.t")
        #expect(said.exitCode == 4 && said.stdout.contains("Data B may lag behind its batches"))
        let mended = try s.verify("--repair", expecting: 0)
        #expect(mended["b.t"]?.repaired == 2 && mended["public.odd"]?.repaired == 5)
        #expect(try s.verify(expecting: 0).found == [])
    }

    /// One that does not answer is no reason not to look at the others, and no reason to call it equal.
    @Test func aPairThatDoesNotAnswerDoesNotHideTheOthers() throws {
        let s = try Scenario("two_pairs")
        defer { s.end() }
        try s.both("CREATE TABLE t (id int PRIMARY KEY)")
        try s.prepare()
        let run = try s.start("run")
        try s.catchUp()
        let one = try String(contentsOfFile: s.configurationPath, encoding: .utf8)
        let away = "  - name: away\n    old: \"host=/nowhere dbname=a\"\n    new: \"host=/nowhere dbname=b\"\n"
        try one.replacing("pairs:\n", with: "pairs:\n" + away)
            .write(toFile: s.configurationPath, atomically: true, encoding: .utf8)
        let both = try s.tandem("verify")
        #expect(both.exitCode == 1, "\(both.stderr)")
        #expect(both.stdout.contains("pair away") && both.stdout.contains("not compared: connecting to old of away"))
        #expect(both.stdout.contains("public.t") && both.stdout.contains("equal: "), "\(both.stdout)")
        try s.new.sql("INSERT INTO t VALUES (5)")
        #expect(try s.tandem("verify").exitCode == 4)
        let seen = try s.verify(expecting: 4)
        #expect(seen.pair == "away" && seen.verdict == "not proven" && seen.tables.isEmpty)
        #expect(run.status == nil)
    }
}
