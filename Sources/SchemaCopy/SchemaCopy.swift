// Recreates old's schema on new around the copying of rows: tables and all they need first, keys and indexes of a table
// once its rows are there, the rest at the end. Nothing that is on new is ever replaced or dropped, and every step looks
// at what is there: killed anywhere, it is done again from `survey` and completes.
//
//     let copy = SchemaCopy(source: …, target: …, jobs: 4, stop: stop, log: log)
//     let plan = try copy.survey()             // refuses here, or not at all
//     try copy.makeTables()
//     … rows of a table …; try copy.finish(table: name) { progress in … }    // from any thread, several at once
//     try copy.finishAll { progress in … }     // when all tables follow
//
// Any thread may call; connections are kept from one call to the next, and closed with the last reference. After a lost
// connection (PostgresError) begin again with a new SchemaCopy.

internal import Foundation
package import Model
package import Postgres
package import Telemetry
package import Threading

package final class SchemaCopy: Sendable {
    let source: ConnectionTarget
    let target: ConnectionTarget
    let jobs: Int
    let stop: StopSignal
    let log: Log
    /// Whether the rows of a table come along.
    let carries: @Sendable (QualifiedName) -> Bool
    private let environment: [String: String]
    let state = Monitor<State>(State())
    private let sessions: SchemaSessions

    struct State {
        var blueprint: Blueprint?
        /// Made since the survey.
        var made: Set<Int> = []
    }

    /// `environment` says where to look for pg_dump.
    package init(
        source: ConnectionTarget, target: ConnectionTarget, jobs: Int, stop: StopSignal, log: Log,
        carries: @escaping @Sendable (QualifiedName) -> Bool = { _ in true },
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) {
        self.carries = carries
        self.source = source
        self.target = target
        self.jobs = max(1, jobs)
        self.stop = stop
        sessions = SchemaSessions(target, jobs: max(1, jobs), stop: stop)
        self.log = log
        self.environment = environment
    }

    /// Looks at both sides and decides; changes nothing. Throws `SchemaError.refused` with all that stands in the way.
    /// With the name of an exported snapshot, the schema is that of its moment.
    package func survey(snapshot: String? = nil) throws -> SchemaPlan {
        let survey = try SchemaSurvey(
            source: source, target: target, snapshot: snapshot, environment: environment, stop: stop)
        state.withLock { $0 = State(blueprint: survey.blueprint) }
        return survey.plan
    }

    /// Schemas, types, functions, tables, views, sequences, defaults: all that is there before rows are.
    package func makeTables(progress: @escaping SchemaProgressReport = { _ in }) throws {
        let entries = try remaining { $0.section == .beforeData }
        try make(entries, jobs: 1, progress: progress)
    }

    /// Keys, indexes and statistics objects of a table and of its partitions, the replica identity before the others.
    /// A partition by its own name is finished alone, without what ties it to its root.
    package func finish(table: QualifiedName, progress: @escaping SchemaProgressReport = { _ in }) throws {
        let blueprint = try surveyed()
        guard let found = blueprint.tables.values.first(where: { $0.name == table }) else {
            throw SchemaError.failed("old had no table \(table) when its schema was read", hint: nil)
        }
        let entries = try remaining { entry in
            guard Self.isOfOneTable(entry) else { return false }
            let tables = blueprint.tables(of: entry)
            if found.root != found.oid { return tables == [found.oid] }
            return !tables.isEmpty && tables.allSatisfy { blueprint.root(of: $0) == found.oid }
        }
        let ranked = entries.enumerated().sorted { left, right in
            let (one, other) = (Self.rank(left.element, blueprint), Self.rank(right.element, blueprint))
            return (one, left.offset) < (other, right.offset)
        }
        try make(ranked.map(\.element), jobs: jobs, progress: progress)
    }

    private static func isOfOneTable(_ entry: ArchiveEntry) -> Bool {
        ["CONSTRAINT", "INDEX", "INDEX ATTACH", "STATISTICS"].contains(entry.kind)
    }

    private static func rank(_ entry: ArchiveEntry, _ blueprint: Blueprint) -> Int {
        if blueprint.facts(of: entry)?.isPrimaryKey == true { return 0 }
        if entry.definition.contains(" REPLICA IDENTITY ") { return 1 }
        return entry.kind == "CONSTRAINT" ? 2 : 3
    }

    // MARK: making

    func surveyed() throws -> Blueprint {
        guard let blueprint = state.withLock({ $0.blueprint }) else {
            throw SchemaError.failed("the schema was not surveyed", hint: nil)
        }
        return blueprint
    }

    /// What is still to be made, in the archive's order.
    func remaining(_ isWanted: (ArchiveEntry) -> Bool) throws -> [ArchiveEntry] {
        let (blueprint, made) = (try surveyed(), state.withLock { $0.made })
        return blueprint.entries.filter { !blueprint.settled.contains($0.id) && !made.contains($0.id) && isWanted($0) }
    }

    /// Throws what could not be made, after everything that could be.
    func make(_ entries: [ArchiveEntry], jobs: Int, progress: @escaping SchemaProgressReport) throws {
        let outcome = try attempt(entries, jobs: jobs, progress: progress)
        guard outcome.failures.isEmpty else {
            let blueprint = try surveyed()
            let failures = outcome.failures.sorted { $0.id < $1.id }.compactMap { failure in
                blueprint.byID[failure.id].map {
                    ObjectFailure(object: blueprint.name(of: $0), error: failure.error)
                }
            }
            throw SchemaError.objects(failures, skipped: outcome.skipped)
        }
    }

    func attempt(
        _ entries: [ArchiveEntry], jobs: Int, progress: @escaping SchemaProgressReport,
        statement: @escaping @Sendable (EntryStatement) -> String = { $0.sql }
    ) throws -> WorkCrew.Outcome {
        guard !entries.isEmpty else { return WorkCrew.Outcome() }
        let blueprint = try surveyed()
        let crew = WorkCrew(
            sessions, entries.map { Self.work($0, blueprint) }, stop: stop,
            names: { id in blueprint.byID[id].map { blueprint.name(of: $0) } ?? "" }, report: progress)
        let outcome = try crew.run(jobs: min(jobs, entries.count)) { id, connection in
            guard let entry = blueprint.byID[id] else { return }
            let sql = statement(EntryStatement(entry: entry, tablespaces: blueprint.tablespaces))
            let doing = "making \(blueprint.name(of: entry)) on \(connection.label)"
            do throws(PostgresError) { try connection.script(sql, doing: doing) } catch {
                guard !Self.isThereAlready(entry, error) else { return }
                throw error
            }
        }
        state.withLock { $0.made.formUnion(outcome.made) }
        return outcome
    }

    /// An identity column that a table on new brought with it has its sequence, under whatever name.
    private static func isThereAlready(_ entry: ArchiveEntry, _ error: PostgresError) -> Bool {
        entry.kind == "SEQUENCE" && error.sqlState == "55000" && entry.definition.contains("AS IDENTITY")
    }

    private static func work(_ entry: ArchiveEntry, _ blueprint: Blueprint) -> WorkItem {
        let tables = entry.section == .beforeData ? [] : blueprint.tables(of: entry)
        // More than one statement: the second one may want the table for itself.
        let isShared = entry.kind == "INDEX" && !entry.definition.contains(";\n\n")
        return WorkItem(
            id: entry.id, after: entry.dependencies, shared: isShared ? tables : [], alone: isShared ? [] : tables)
    }
}
