// A backlog of small transactions by TCP within one machine, where what comes is left to gather.

import TestSupport
import Testing

@Suite struct FloodTests {
    @Test func aBacklogOverTCP() throws {
        let s = try Scenario.prepared("flood", "CREATE TABLE t (a int PRIMARY KEY, b text)")
        defer { s.end() }
        try s.writeConfiguration(old: s.pair.old.connection(database: s.name, overTCP: true))
        try s.old.sql(
            """
            CREATE PROCEDURE flood(count int) LANGUAGE plpgsql AS $$ BEGIN
                SET synchronous_commit = off;
                FOR i IN 1 .. count LOOP INSERT INTO t VALUES (i, 'row ' || i); COMMIT; END LOOP;
                FOR i IN 1 .. count LOOP UPDATE t SET b = b || '.' WHERE a = i; COMMIT; END LOOP;
            END $$;
            """)
        try s.old.sql("CALL flood(30000)")
        // Asked to stop in the middle of it, wherever that is.
        let first = try s.start("run")
        try s.new.wait(for: "SELECT count(*) > 1000 FROM t", toBe: "t")
        #expect(try first.stop() == .exited(0))
        try s.expectSlotNotAhead()
        let second = try s.start("run")
        try s.catchUp()
        try s.expectSame()
        try s.expectSlotNotAhead()
        #expect(try second.stop() == .exited(0))
    }
}
