// `tandem set-aside`: the operator takes a table that blocks out of the stream; everything else goes on, and what is left
// out is counted and shown. Nothing is set aside that was not named.

import TestSupport
import Testing

@Suite struct SetAsideTests {
    @Test(arguments: Travel.allCases)
    func othersGoOnAndChangesAreCounted(_ travel: Travel) throws {
        let following = try Following("aside", travel)
        let s = following.scenario
        defer { s.end() }
        try s.both(
            "CREATE TABLE bad (id int PRIMARY KEY, v int); CREATE TABLE good (id int PRIMARY KEY); CREATE TABLE far (id int PRIMARY KEY)"
        )
        try s.new.sql("ALTER TABLE bad ADD CONSTRAINT small CHECK (v < 10)")
        try s.prepare()
        let first = try s.start("run")
        try s.old.sql("INSERT INTO bad VALUES (1, 1); INSERT INTO good VALUES (1)")
        try s.catchUp()
        try s.old.sql(
            """
            BEGIN; INSERT INTO good VALUES (2); INSERT INTO bad VALUES (2, 20); INSERT INTO good VALUES (3); COMMIT;
            INSERT INTO bad VALUES (3, 3); INSERT INTO good VALUES (4);
            """)
        let problem = try s.waitUntilBlocked()
        #expect(problem.sqlstate == "23514" && problem.table == "public.bad", "\(problem)")
        #expect(problem.message.contains("small") && problem.hint?.contains("set-aside") == true, "\(problem)")
        #expect(try s.new.value("SELECT count(*) FROM good") == "1")

        let unknown = try s.tandem("set-aside", "public.bda")
        #expect(unknown.exitCode == 2 && unknown.stderr.contains("public.bad"), "\(unknown)")
        for name in ["public.*", "tandem.heartbeat", "nowhere.bad", "pg_catalog.pg_class"] {
            #expect(try s.tandem("set-aside", name).exitCode == 2)
        }
        #expect(try StatusScreen.read(s).setAside == [:])

        let done = try s.tandem("set-aside", "public.bad")
        #expect(done.exitCode == 0, "\(done.stderr)")
        #expect(try s.tandem("set-aside", "public.bad").exitCode == 0)
        try expectHealthy(s, except: ["public.bad"], setAside: ["public.bad": 2])
        #expect(try s.new.sql("SELECT * FROM bad") == "1|1")

        // Also without tandem running, and across its end.
        first.kill()
        try s.old.sql("UPDATE bad SET v = 30; DELETE FROM bad WHERE id = 1; TRUNCATE bad; INSERT INTO good VALUES (5)")
        _ = try s.start("run")
        try s.old.sql("INSERT INTO bad VALUES (7, 70); INSERT INTO good VALUES (6)")
        try expectHealthy(s, except: ["public.bad"], setAside: ["public.bad": 8])
        #expect(try s.tandem("set-aside", "public.far").exitCode == 0)
        // A table that does not block goes on until the running tandem has noticed.
        try s.lastStarted?.waitForLog("public.far")
        try s.old.sql("INSERT INTO far VALUES (1), (2); INSERT INTO good VALUES (7)")
        let both = ["public.bad": 8, "public.far": 2]
        _ = try StatusScreen.read(s) { $0.setAside == both }
        try expectHealthy(s, except: ["public.bad", "public.far"], setAside: both)
        #expect(try s.new.sql("SELECT * FROM bad") == "1|1")
        try expectCleanEnd(s, except: ["public.bad", "public.far"])
    }

    /// A table that new does not have at all, in a transaction too large for one piece.
    @Test func missingTableInALargeTransaction() throws {
        let following = try Following("aside large")
        let s = following.scenario
        defer { s.end() }
        try s.both("CREATE TABLE good (id int PRIMARY KEY)")
        try s.old.sql("CREATE TABLE lacking (id int PRIMARY KEY)")
        try s.prepare()
        _ = try s.start("run")
        try s.old.sql(
            """
            BEGIN; INSERT INTO filler (t) SELECT repeat(md5(g::text), 8) FROM generate_series(1, 12000) g;
            INSERT INTO lacking SELECT generate_series(1, 5000); INSERT INTO good VALUES (1);
            INSERT INTO filler (t) SELECT repeat(md5(g::text), 8) FROM generate_series(1, 12000) g; COMMIT;
            """)
        #expect(try s.waitUntilBlocked().table == "public.lacking")
        #expect(try s.tandem("set-aside", "public.lacking").exitCode == 0)
        try expectHealthy(s, except: ["public.lacking"], setAside: ["public.lacking": 5000])
    }
}
