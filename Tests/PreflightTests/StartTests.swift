// What acts after a preflight: it heeds what was found, and what was passed over, and refuses a schema that was not checked.

import TestSupport
import Testing

extension PreflightTests {
    @Test func theFirstStartLooksForBlockersAndHeedsWhatWasSkipped() throws {
        let s = try scenario("first")
        defer { s.end() }
        try s.writeConfiguration(dataA: ["public.*"], marker: false, initialCopy: "all", extra: Self.roomy)
        try s.old.sql(
            "CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE TABLE t (id int PRIMARY KEY, m mood); INSERT INTO t VALUES (1, 'sad')"
        )
        try s.new.sql("CREATE TYPE mood AS ENUM ('sad')")
        let refused = try s.tandem("run", "--until", "caught-up")
        #expect(refused.exitCode == 3, "\(refused.stderr)")
        #expect(refused.stderr.contains("[enum-labels]") && refused.stderr.contains("ADD VALUE"), "\(refused.stderr)")
        #expect(try s.old.value("SELECT count(*) FROM pg_publication") == "0")
        #expect(try s.new.value("SELECT to_regclass('public.t') IS NULL") == "t")

        #expect(try s.preflight("--skip", "enum-labels", "--reason", "nobody is glad", exits: 0).isBlocked == false)
        let copied = try s.tandem("run", "--until", "caught-up")
        #expect(copied.exitCode == 0, "\(copied.stderr)")
        #expect(try s.new.value("SELECT count(*) FROM t") == "1")
        let log = try s.tandem("evidence", "show", "--json").stdout
        #expect(log.contains(#""skipped enum-labels":"nobody is glad""#) && log.contains(#""by":"run""#), "\(log)")
    }

    @Test func whoLoadsByOtherMeansHeedsTheLastPreflight() throws {
        let s = try scenario("heeds")
        defer { s.end() }
        try s.both("CREATE TABLE t (id int PRIMARY KEY)")
        try s.old.sql("CREATE TABLE lacking (id int PRIMARY KEY)")
        #expect(try s.preflight(exits: 3).lines("missing-tables").count == 1)
        try s.prepare()
        let refused = try s.tandem("run", "--until", "caught-up")
        #expect(refused.exitCode == 3 && refused.stderr.contains("missing-tables"), "\(refused.stderr)")
        try s.new.sql("CREATE TABLE lacking (id int PRIMARY KEY)")
        _ = try s.preflight(exits: 0)
        let ended = try s.tandem("run", "--until", "caught-up")
        #expect(ended.exitCode == 0, "\(ended.stderr)")
        // Once it was begun, what a later preflight says is for people.
        try s.old.sql("CREATE TABLE later (id int PRIMARY KEY)")
        _ = try s.preflight(exits: 3)
        #expect(try s.tandem("run", "--until", "caught-up").exitCode == 0)
    }

    @Test func whatActsRefusesASchemaThatWasNotChecked() throws {
        let s = try scenario("changed")
        defer { s.end() }
        func refuses(_ arguments: String..., naming part: String) throws {
            let outcome = try s.tandem(arguments)
            #expect(outcome.exitCode == 3, "\(arguments) \(outcome.stderr)")
            #expect(
                outcome.stderr.contains("no longer what was checked") && outcome.stderr.contains(part),
                "\(outcome.stderr)")
        }
        try s.both("CREATE TABLE t (id int PRIMARY KEY)")
        _ = try s.preflight(exits: 0)
        try s.both("ALTER TABLE t ADD COLUMN v int")
        try refuses("prepare", naming: #"column "v" of public.t is new"#)
        #expect(try s.old.value("SELECT count(*) FROM pg_publication") == "0")
        _ = try s.preflight(exits: 0)
        try s.prepare()
        // What is loaded into new comes after the check; what is altered there does not.
        try s.new.sql("CREATE INDEX ON t (v)")
        try s.new.sql("ALTER TABLE t ALTER COLUMN v SET NOT NULL")
        try refuses("run", "--until", "caught-up", naming: "of public.t: not null")
        try s.new.sql("ALTER TABLE t ALTER COLUMN v DROP NOT NULL")
        #expect(try s.tandem("run", "--until", "caught-up").exitCode == 0)

        try s.both("ALTER TABLE t ADD COLUMN w text")
        try refuses("recopy", "public.t", naming: #"column "w" of public.t is new"#)
        try refuses("resume", naming: #"column "w" of public.t is new"#)
        try refuses("resync", "--yes", naming: #"column "w" of public.t is new"#)
        #expect(try s.tandem("pause").exitCode == 0)
        #expect(try s.tandem("resume", "--accept-schema").exitCode == 0)
        _ = try s.preflight(exits: 0)
        #expect(try s.tandem("recopy", "public.t").exitCode == 0)
        // It streams on, whatever changed in a way that it notices by itself.
        #expect(try s.tandem("run", "--until", "caught-up").exitCode == 0)
    }
}
