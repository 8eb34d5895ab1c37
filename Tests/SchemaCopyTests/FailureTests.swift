// Objects that new does not take, connections that are cut, and starting again.

import Model
import Postgres
import SchemaCopy
import TestSupport
import Testing
import Threading

@Suite(.blocking) struct FailureTests {
    @Test func aFailureIsNamedWithoutRowsAndTheRestIsMade() throws {
        let copying = try Copying("failure")
        defer { copying.scenario.end() }
        try copying.old.sql(
            """
            CREATE TABLE a (id int PRIMARY KEY, v text); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a);
            CREATE INDEX a_number ON a ((v::int)); CREATE UNIQUE INDEX a_v ON a (v); CREATE INDEX b_a ON b (a);
            COMMENT ON INDEX b_a IS 'made';
            """)
        let copy = copying.copy()
        _ = try copy.survey()
        try copy.makeTables()
        try copying.new.sql("INSERT INTO a VALUES (1, 'secret'), (2, 'secret'); INSERT INTO b VALUES (1, 77)")
        let error = #expect(throws: SchemaError.self) {
            try copy.finish(table: QualifiedName(schema: "public", name: "a"))
        }
        let said = "\(error?.description ?? "") \(error?.hint ?? "")"
        #expect(said.contains("index public.a_number") && said.contains("[22P02]"))
        #expect(said.contains("index public.a_v") && said.contains("[23505]"))
        #expect(!said.contains("secret"))
        // Afresh: an index also takes in rows that are gone, as long as a transaction of another test may see them.
        try copying.new.sql("TRUNCATE a, b; INSERT INTO a VALUES (1, '5'); INSERT INTO b VALUES (1, 77)")

        let dangling = #expect(throws: SchemaError.self) { try copy.finishAll() }
        #expect(dangling?.description.contains("b_a_fkey on public.b") == true)
        #expect(dangling?.description.contains("[23503]") == true && dangling?.description.contains("77") == false)
        try copying.new.sql("INSERT INTO a VALUES (77, '6')")
        try copy.finishAll()
        let difference = try copying.difference()
        #expect(difference == [])
        #expect(try copying.new.value("SELECT bool_and(convalidated) FROM pg_constraint") == "t")
    }

    /// Wherever it is cut, a new start completes it.
    @Test func cutAgainAndAgainItCompletes() throws {
        let copying = try Copying("cut")
        defer { copying.scenario.end() }
        try copying.scenario.both(RichSchema.roles)
        try copying.old.sql(RichSchema.beforeRows + RichSchema.rows + RichSchema.afterRows)
        let done = StopSignal()
        let new = copying.new
        let cutter = try Thread("cutter") {
            var pause = 0.02
            while !done.wait(seconds: pause) {
                _ = try? new.sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tandem schema'"
                        + " AND datname = current_database()")
                // Longer each time, or it would never come to its end.
                pause *= 1.3
            }
        }
        defer {
            done.raise()
            cutter.join()
        }
        var cuts = 0
        let completed = poll(within: .seconds(300), every: .zero) { () -> Bool? in
            do {
                let copy = copying.copy()
                _ = try copy.survey()
                try copy.makeTables()
                try copy.finish(table: QualifiedName(schema: "app", name: "customer"))
                try copy.finishAll()
                return true
            } catch let error as PostgresError where error.isTransient {
                cuts += 1
                return nil
            } catch {
                Issue.record("\(error)")
                return false
            }
        }
        #expect(completed == true)
        #expect(cuts > 0)
        let difference = try copying.difference()
        #expect(difference == [])
    }

    @Test func nothingIsMadeAfterTheStopSignal() throws {
        let copying = try Copying("stopped")
        defer { copying.scenario.end() }
        try copying.old.sql("CREATE TABLE t (id int)")
        let copy = copying.copy()
        _ = try copy.survey()
        copying.stop.raise()
        #expect(throws: (any Error).self) { try copy.makeTables() }
        #expect(try copying.new.value("SELECT to_regclass('t')") == nil)
    }
}
