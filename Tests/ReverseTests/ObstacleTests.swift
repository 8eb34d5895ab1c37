// What cannot come back is named before anything relies on it: by preflight, and by whoever would make the stream back. And what
// blocks it all the same is told with the sides the right way round.

import TestSupport
import Testing

@Suite(.blocking) struct ObstacleTests {
    @Test func whatCannotComeBackIsNamedBefore() throws {
        let s = try Scenario("noway", dataA: ["public.*"], extra: "strategy: pause")
        defer { s.end() }
        try s.both(
            """
            CREATE TABLE further (id int PRIMARY KEY, v text);
            CREATE TABLE digits (id int PRIMARY KEY, n numeric(10,2));
            CREATE TABLE lacking (id int PRIMARY KEY, v text);
            CREATE TABLE fine (id int PRIMARY KEY, n int);
            """)
        try s.new.sql(
            """
            ALTER TABLE further ADD COLUMN more text DEFAULT 'x'; ALTER TABLE digits ALTER n TYPE numeric(10,4);
            ALTER TABLE fine ALTER n TYPE bigint;
            """)
        try s.old.sql(
            "ALTER TABLE lacking ADD COLUMN must int NOT NULL DEFAULT 1; ALTER TABLE lacking ALTER must DROP DEFAULT")
        try s.new.sql("ALTER TABLE lacking ADD COLUMN must int; ")
        try s.prepare()
        let run = try s.start("run")
        try run.waitForLog("event=streaming")
        try s.new.sql("ALTER TABLE lacking DROP COLUMN must")

        let preflight = try s.tandem(
            "preflight", "--only", "reverse-tables", "--only", "reverse-writing", "--only", "reverse-wal-level")
        for text in [
            "table public.further on old lacks column \"more\"",
            "column \"n\" of public.digits is numeric(10,2) on old, but numeric(10,4) on new",
            "public.lacking on old must have a value for \"must\", which new does not have",
        ] { #expect(preflight.stdout.contains(text), "\(preflight.stdout)\(preflight.stderr)") }
        #expect(!preflight.stdout.contains("public.fine"), "\(preflight.stdout)")

        try s.move(toStep: 2, truth: "old")
        try run.waitForLog("no way back")
        #expect(run.log.contains("what is written on new could not come back: "), "\(run.log)")
        try s.expectNoReverse()
        // Forward goes on all the while; mended, the stream back is made by itself.
        try s.old.sql("INSERT INTO fine VALUES (1, 1)")
        try s.catchUp()
        try s.old.sql(
            "ALTER TABLE further ADD COLUMN more text; ALTER TABLE digits ALTER n TYPE numeric(10,4); ALTER TABLE lacking DROP COLUMN must"
        )
        try s.waitForRoles(forward: "apply", reverse: "watch", within: .seconds(120))

        try s.flip()
        try s.new.sql("INSERT INTO fine VALUES (2, 99999999999); INSERT INTO further VALUES (1, 'a', 'b')")
        try s.old.wait(
            for: "SELECT status::json ->> 'state' FROM tandem.stream_status WHERE stream = '\(s.reverseName)'",
            toBe: "blocked")
        let status = try s.tandem("status")
        #expect(status.stdout.contains("old's column is narrower than new's"), "\(status.stdout)")
        try s.old.sql("ALTER TABLE fine ALTER n TYPE bigint")
        try s.catchUp(.reverse)
        try s.expectSame()
        // Set aside, and the rest goes on.
        try s.old.sql("ALTER TABLE fine ADD CHECK (n < 1000) NOT VALID")
        try s.new.sql("INSERT INTO fine VALUES (3, 5000)")
        try s.old.wait(
            for: "SELECT status::json ->> 'state' FROM tandem.stream_status WHERE stream = '\(s.reverseName)'",
            toBe: "blocked")
        let aside = try s.tandem("set-aside", "public.fine")
        #expect(aside.exitCode == 0, "\(aside.stderr)")
        try s.new.sql("INSERT INTO further VALUES (2, 'goes', 'on')")
        try s.catchUp(.reverse)
        #expect(try s.old.value("SELECT v FROM further WHERE id = 2") == "goes")
        #expect(try run.stop() == .exited(0))
    }
}
