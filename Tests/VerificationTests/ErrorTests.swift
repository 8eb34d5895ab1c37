// What cannot be compared is an error and never "equal"; writes that are on their way are no difference.

import TestSupport
import Testing

@Suite(.blocking) struct ErrorTests {
    @Test func whatCannotBeSeenIsNotEqual() throws {
        let s = try Scenario("unseen")
        defer { s.end() }
        let reader = "unseen_\(s.name)"
        try s.both(
            """
            CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE hidden (id int PRIMARY KEY); CREATE TABLE gone (id int PRIMARY KEY);
            CREATE TABLE narrow (id int PRIMARY KEY, v int); CREATE TABLE locked (id int PRIMARY KEY);
            INSERT INTO hidden VALUES (1); INSERT INTO a VALUES (1);
            """)
        try s.prepare()
        let replicator = try s.start("run")
        try s.catchUp()
        // A role on new that sees less than it should.
        try s.new.sql(
            """
            CREATE ROLE \(reader) LOGIN SUPERUSER; ALTER ROLE \(reader) NOSUPERUSER;
            GRANT USAGE, CREATE ON SCHEMA tandem TO \(reader); GRANT ALL ON ALL TABLES IN SCHEMA tandem TO \(reader);
            GRANT SELECT ON a, hidden, narrow, locked, _marker TO \(reader);
            GRANT EXECUTE ON FUNCTION pg_catalog.pg_replication_origin_progress(text, boolean) TO \(reader);
            ALTER TABLE hidden ENABLE ROW LEVEL SECURITY; CREATE POLICY none ON hidden USING (false);
            REVOKE SELECT ON a FROM \(reader); ALTER TABLE narrow DROP COLUMN v; DROP TABLE gone;
            """)
        defer {
            _ = try? s.new.sql(
                "REASSIGN OWNED BY \(reader) TO CURRENT_USER; DROP OWNED BY \(reader); DROP ROLE \(reader)")
        }
        try s.writeConfiguration(new: s.new.cluster.connection(database: s.new.name, user: reader))
        let seen = try s.verify(expecting: 1)
        #expect(seen.verdict == "not proven")
        #expect(seen["public.a"]?.verdict == "failed" && seen["public.a"]?.problem?.contains("42501") == true)
        #expect(seen["public.hidden"]?.problem?.contains("row-level security") == true)
        #expect(seen["public.hidden"]?.hint?.contains("BYPASSRLS") == true)
        #expect(seen["public.gone"]?.problem?.contains("not there on new") == true)
        #expect(seen["public.narrow"]?.problem?.contains("lacks \"v\"") == true)
        #expect(seen["public.locked"]?.verdict == "equal")
        #expect(try s.tandem("verify", "--table", "public.unknown").exitCode == 2)
        #expect(try s.tandem("verify", "--table", "public.*").exitCode == 2)

        // Nobody moves the stream on: rows that differ now are not called different, and not equal either. However many
        // they are, it is waited for once.
        try s.writeConfiguration()
        #expect(try replicator.stop() == .exited(0))
        try s.old.sql("INSERT INTO locked SELECT generate_series(7, 1506)")
        try s.writeConfiguration(extra: "verify: { every: never }")
        let stuck = try s.verify("--table", "public.locked", expecting: 1)
        #expect(stuck["public.locked"]?.verdict == "unsettled")
        #expect(stuck["public.locked"]?.unsettled.count == 1500)
    }

    /// Rows that change all the time, on old and through the stream: compared again and again, never called different.
    @Test func writesOnTheirWayAreNoDifference() throws {
        let s = try Scenario("busy")
        defer { s.end() }
        try s.both(
            """
            CREATE TABLE hot (id int PRIMARY KEY, n int); CREATE TABLE warm (id int PRIMARY KEY, n int, pad text);
            CREATE TABLE log (at int, v text); ALTER TABLE log REPLICA IDENTITY FULL;
            INSERT INTO hot SELECT g, 0 FROM generate_series(1, 3) g;
            INSERT INTO warm SELECT g, 0, repeat('p', 100) FROM generate_series(1, 20000) g;
            """)
        try s.prepare()
        _ = try s.start("run")
        try s.catchUp()
        let load = try s.start(
            program: "/bin/sh",
            [
                "-c",
                """
                i=0; while :; do i=$((i + 1)); echo "UPDATE hot SET n = n + 1 WHERE id = $((i % 3 + 1));
                UPDATE warm SET n = n + 1 WHERE id = $((i * 37 % 19990 + 1)); INSERT INTO log VALUES ($i, 'x');
                DELETE FROM warm WHERE id = $((i * 41 % 19990 + 1)); INSERT INTO warm VALUES ($((20000 + i)), 0, 'new');"; done |
                psql -q -X '\(s.old.connection)' >/dev/null
                """,
            ])
        defer { load.kill() }
        for _ in 1...4 {
            let seen = try s.verify(expecting: 0)
            #expect(seen.verdict == "equal", "\(seen)")
        }
        // In all that, one row that new alone has changed.
        try s.new.sql("UPDATE warm SET pad = 'wrong' WHERE id = 19995")
        let seen = try s.verify("--table", "public.warm", expecting: 4)
        #expect(seen.found == ["public.warm 19995 different"])
    }
}
