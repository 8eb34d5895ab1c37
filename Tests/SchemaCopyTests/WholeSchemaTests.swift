// One of nearly everything, from one database into an empty other one: pg_dump must see the same afterwards.

import Model
import SchemaCopy
import TestSupport
import Testing
import Threading

@Suite(.blocking) struct WholeSchemaTests {
    private func prepared(_ title: String) throws -> Copying {
        let copying = try Copying(title)
        try copying.scenario.both(RichSchema.roles)
        try copying.old.sql(RichSchema.beforeRows + RichSchema.rows + RichSchema.afterRows)
        try copying.old.sql(
            "REFRESH MATERIALIZED VIEW app.z_first; REFRESH MATERIALIZED VIEW app.b_second; CREATE SCHEMA tandem;"
                + "CREATE TABLE tandem.heartbeat (beat int)")
        return copying
    }

    @Test func everythingArrives() throws {
        let copying = try prepared("everything")
        defer { copying.scenario.end() }
        let copy = copying.copy()
        let plan = try copy.survey()
        #expect(plan.tables.contains(QualifiedName(schema: "app", name: "event new 1")))
        #expect(plan.existing.isEmpty)
        #expect(plan.notes.filter { !$0.hasPrefix("extension") } == [])
        #expect(plan.notCarried.map(\.kind).sorted() == ["publication", "unlogged table"])
        try copy.makeTables()
        try copying.new.sql("SET session_replication_role = replica;" + RichSchema.rows)
        let progress = Monitor<[SchemaProgress]>([])
        for table in ["customer", "event", "order", "loop_a", "loop_b"] {
            try copy.finish(table: QualifiedName(schema: "app", name: table)) { step in
                progress.withLock { $0.append(step) }
            }
        }
        #expect(try copying.new.value("SELECT count(*) FROM pg_index WHERE indrelid = 'app.customer'::regclass") == "4")
        #expect(try copying.new.value("SELECT bool_and(indisvalid) FROM pg_index") == "t")
        #expect(progress.withLock { $0 }.contains { $0.object == "index app.customer_tags" && $0.state == .began })
        try copy.finishAll()
        let difference = try copying.difference()
        #expect(difference == [])
        #expect(try copying.new.value("SELECT n FROM app.b_second") == "200")
        #expect(try copying.new.value("SELECT count(*) FROM pg_class WHERE relkind = 'm' AND relispopulated") == "2")
        #expect(try copying.new.value("SELECT to_regnamespace('tandem')") == nil)
        let unchecked = "SELECT string_agg(conname, ' ' ORDER BY conname) FROM pg_constraint WHERE NOT convalidated"
        #expect(try copying.new.value(unchecked) == "unchecked_check unchecked_key")

        let again = try copying.copy().survey()
        #expect(again.tables.isEmpty)
        #expect(again.notes == plan.notes)
    }

    /// Whatever is there already, the rest is made: here after each object that an earlier run could have ended with.
    @Test func aSecondStartCompletesTheFirst() throws {
        let copying = try prepared("again")
        defer { copying.scenario.end() }
        for _ in 0..<2 {
            let copy = copying.copy()
            _ = try copy.survey()
            try copy.makeTables()
        }
        for table in ["customer", "order"] {
            let copy = copying.copy()
            _ = try copy.survey()
            try copy.makeTables()
            try copy.finish(table: QualifiedName(schema: "app", name: table))
            try copy.finish(table: QualifiedName(schema: "app", name: table))
        }
        for _ in 0..<2 {
            let copy = copying.copy()
            _ = try copy.survey()
            try copy.makeTables()
            try copy.finishAll()
        }
        let difference = try copying.difference()
        #expect(difference == [])
    }
}
