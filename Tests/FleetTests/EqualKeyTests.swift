// Keys that are equal and not the same: numbers with more digits, text that a collation takes for the same. An orphan of the one
// form on new must not take the acknowledged row of the other form with it.

import TestSupport
import Testing

@Suite(.blocking) struct EqualKeyTests {
    @Test func anOrphanIsNotTheRow() throws {
        let d = try Dual("equalkeys") { s in
            try s.both(
                """
                CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
                CREATE TABLE word (name text COLLATE ci PRIMARY KEY, v text);
                CREATE TABLE price (id numeric PRIMARY KEY, v text);
                CREATE TABLE late (id numeric PRIMARY KEY, v text, n int GENERATED ALWAYS AS IDENTITY)
                """)
        }
        defer { d.end() }
        let s = d.s
        try d.moves("advance")
        try d.moves("advance")
        try d.expectStep(3)

        // While somebody's transaction is open on new, nothing settles.
        let open = try s.new.session()
        try open.send("SET tandem.mode = '3'; BEGIN; INSERT INTO t (id, v) VALUES (-1, 'open')")
        #expect(
            d.write(
                s.new, mode: 3,
                "INSERT INTO word VALUES ('Bob', 'first'); INSERT INTO price VALUES (1, 'first'); INSERT INTO late VALUES (1, 'first')"
            )
                == "ok")
        #expect(
            d.write(
                s.old, mode: 3,
                "INSERT INTO word VALUES ('bob', 'second'); INSERT INTO price VALUES (1.0, 'second'); INSERT INTO late VALUES (1.0, 'second')"
            )
                == "ok")
        try s.forwardPasses()
        try open.send("ROLLBACK")
        let arrived =
            "SELECT string_agg(x, ' ') FROM (SELECT name || v AS x FROM word UNION ALL SELECT id || v FROM price UNION ALL SELECT id || v FROM late) x"
        try s.new.wait(for: arrived, toBe: "bobsecond 1.0second 1.0second", within: .seconds(30))
        try s.forwardPasses()
        try s.reversePasses()
        // Long enough for an orphan to be removed.
        let gone = poll(within: .seconds(6)) {
            (try? s.new.value(arrived)) == "bobsecond 1.0second 1.0second" ? nil : true
        }
        #expect(gone == nil, "\(d.run.tail)")
        let tables = ["public.word", "public.price", "public.late"]
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new, tables: tables) == [], "\(d.run.tail)")
    }
}
