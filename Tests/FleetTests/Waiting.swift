// Who is waited for at step 5, and what the gates see.

import TestSupport
import Testing

extension Dual {
    /// At step 5, whoever has old's row is in the middle of writing both: that row has to wait, and no other.
    func whoHasOldsRowGoesFirst() throws {
        let holder = try s.old.session()
        try holder.send("BEGIN; SELECT FROM t WHERE id = 20 FOR UPDATE")
        #expect(write(s.new, mode: 5, "UPDATE t SET v = 'wrong' WHERE id IN (20, 21)") == "ok")
        try s.new.wait(for: "SELECT v FROM t WHERE id = 21", toBe: "v21", within: .seconds(30))
        try s.new.sql("SELECT pg_sleep(1.5)")
        #expect(try s.new.value("SELECT v FROM t WHERE id = 20") == "wrong")
        let long = try s.old.value(
            """
            SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name LIKE '%twins%' AND wait_event_type = 'Lock'
               AND clock_timestamp() - query_start > interval '1 s'
            """)
        #expect(long == "0")
        try holder.send("ROLLBACK")
        try s.new.wait(for: "SELECT v FROM t WHERE id = 20", toBe: "v20", within: .seconds(30))
    }

    // MARK: gates

    /// What the command would list of its gates, with nothing waived.
    private func lists(_ gates: [(word: String, gate: String, saw: String)], _ location: SourceLocation) throws {
        let outcome = try s.tandem("advance", "--dry-run")
        let said = outcome.stdout.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        for gate in gates {
            let line = "\(gate.word) \(gate.gate) \(gate.saw)"
            #expect(said.contains(line), "\(line): \(outcome.stdout)", sourceLocation: location)
        }
    }

    /// Before anybody writes both sides: the same keys, and rows that were compared.
    func gatesBeforeBothAreWritten(location: SourceLocation = #_sourceLocation) throws {
        try s.new.sql("ALTER TABLE t DROP CONSTRAINT t_pkey")
        try lists(
            [
                ("refuses", "keys", "public.t has no key of old's on new"),
                ("refuses", "verified", "public._marker was not compared yet"),
            ], location)
        try s.new.sql("ALTER TABLE t ADD CONSTRAINT t_pkey PRIMARY KEY (id)")
        try s.new.sql("UPDATE u SET name = 'differs' WHERE id = 39")
        #expect(try s.tandem("verify").exitCode != 0)
        try lists([("ok", "keys", "3 tables"), ("refuses", "verified", "public.u: 1 rows differed")], location)
        _ = try s.tandem("verify", "--repair")
        try s.new.sql("UPDATE tandem.verification SET at = at - interval '60 days' WHERE table_name = 't'")
        try lists([("refuses", "verified", "public.t was last compared")], location)
    }

    /// Whoever writes seldom must have had the time to, and whoever is named must have.
    func gatesAtTheBeginningOfStepThree(location: SourceLocation = #_sourceLocation) throws {
        try refused("advance", "gate census refuses", "the pair has been at this step for", location: location)
        try s.new.sql("SELECT pg_sleep(1.5)")
        try lists([("refuses", "census", "`web-*` of `fleet` was not seen writing in mode 3")], location)
    }

    /// Before anybody reads new: its planner knows the tables; and a stream that stands still tells of nobody.
    func gatesBeforeNewIsRead(location: SourceLocation = #_sourceLocation) throws {
        try lists([("refuses", "statistics", "new has none of public._marker")], location)
        try s.new.sql("ANALYZE")
        try lists([("ok", "statistics", "every table with rows")], location)
        run.pause()
        try s.new.sql("SELECT pg_sleep(3)")
        try lists([("unknown", "census", "the forward stream tells who writes, and is")], location)
        run.continue()
    }
}
