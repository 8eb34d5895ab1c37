// The final copy: proves that the writers of Data B have stopped, copies once more, and compares each table byte for byte.
// Refuses while anything moves, before, during or after. Batches by schedule wait meanwhile.

package import Foundation
internal import Model
internal import Postgres
internal import State
package import Telemetry
package import Threading

package struct FinalVerdict: KeptAsJSON, Sendable, Equatable {
    package let table: String
    package let isIdentical: Bool
    package let rows: Int
    /// In words; nil when they are identical.
    package let difference: String?
    package let at: Date
}

package struct FinalCopy {
    private let plan: DataBPlan
    private let tables: [DerivedTable]
    private let stop: StopSignal
    private let log: Log
    private let tell: (String) -> Void

    package init(
        _ plan: DataBPlan, tables: [DerivedTable], stop: StopSignal, log: Log, tell: @escaping (String) -> Void
    ) {
        (self.plan, self.tables, self.stop, self.log, self.tell) = (plan, tables, stop, log, tell)
    }

    package func run() throws -> [FinalVerdict] {
        let board = DataBState(
            try Connection(to: plan.new, for: .control, as: "\(plan.stream) b final", stop: stop), plan.stream)
        try board.install()
        try takeLock(board)
        let session = try BatchSession(plan, stop: stop, log: log)
        let ordered = try inOrder(session.target)
        let proof = try QuietProof(session.source, try ordered.compactMap { try watched($0, session.source) })
        let before = try standStill(proof)
        for table in ordered { try copy(table, session) }
        var verdicts: [FinalVerdict] = []
        for table in ordered { verdicts.append(try compare(table, session)) }
        try expect(before, proof, "while it was copied and compared")
        for (table, verdict) in zip(ordered, verdicts) {
            try board.write(final: verdict.encoded(), of: table.name)
        }
        return verdicts
    }

    /// What `run` would do, in words that follow `would`; throws what it would refuse at its beginning. Locks what it would lock, for
    /// a moment, and writes nothing.
    package func preview() throws -> [String] {
        let source = try Connection(to: plan.source, for: .control, as: "\(plan.stream) b final", stop: stop)
        let target = try Connection(to: plan.target, for: .control, as: "\(plan.stream) b final", stop: stop)
        let board = DataBState(
            try Connection(to: plan.new, for: .control, as: "\(plan.stream) b final", stop: stop), plan.stream)
        if try board.tryWorkLock() {
            try board.freeWorkLock()
        } else {
            tell("a batch of Data B is at work on \(plan.pair): it would be waited for, up to a minute")
        }
        let ordered = try inOrder(target)
        let proof = try QuietProof(source, try ordered.compactMap { try watched($0, source) })
        try expectNobody(proof)
        let names = ordered.map(\.name.description).joined(separator: ", ")
        return [
            "watch for \(Int(plan.quiet.rounded(.up))) s whether anybody writes on \(source.label): \(names)",
            "copy each once more to \(target.label), views after what they read, while batches by schedule wait",
            "compare each byte for byte, look again whether anybody wrote, and put the verdict on record",
        ]
    }

    private func takeLock(_ board: DataBState) throws {
        for attempt in 1... {
            if try board.tryWorkLock() { return }
            if attempt == 2 { tell("waiting for the batch that is at work") }
            guard attempt < 120, !stop.wait(seconds: 0.5) else {
                throw DataBError.refused(
                    "a batch of Data B is at work on \(plan.pair)",
                    hint: "`tandem status` shows which; or try again later")
            }
        }
    }

    /// Views after what they read.
    private func inOrder(_ target: Connection) throws -> [DerivedTable] {
        let ranks = try ViewRefresh.ranks(plan.tables, on: target)
        return tables.enumerated().sorted { one, other in
            (ranks[one.element.name] ?? 0, one.offset) < (ranks[other.element.name] ?? 0, other.offset)
        }.map(\.element)
    }

    /// Nothing writes into views but REFRESH, which nobody need stop.
    private func watched(_ table: DerivedTable, _ source: Connection) throws -> QuietProof.Table? {
        guard let facts = try RelationFacts.read(table.name, on: source) else {
            throw DataBError.impossible("\(table.name) is not there on \(source.label)", hint: nil)
        }
        return facts.isTable ? QuietProof.Table(name: table.name, stamp: table.column) : nil
    }

    // MARK: nobody writes

    private func standStill(_ proof: QuietProof) throws -> [QualifiedName: QuietProof.Reading] {
        try expectNobody(proof)
        let before = try proof.read()
        tell("watching for \(Int(plan.quiet.rounded(.up))) s whether anybody still writes")
        let end = Monotonic.now.adding(seconds: plan.quiet)
        var seen: Set<String> = []
        while Monotonic.now < end {
            guard !stop.wait(seconds: min(0.5, max(0.01, end.seconds(since: .now)))) else {
                throw PostgresError(.interrupted, "stopped on request", doing: "watching for writers")
            }
            seen.formUnion(try proof.writers())
            if !seen.isEmpty { throw Self.notStopped(Array(seen).sorted()) }
        }
        try expect(before, proof, "within \(Int(plan.quiet.rounded(.up))) s")
        return before
    }

    private func expectNobody(_ proof: QuietProof) throws {
        // A vacuum holds a lock as well, and is no writer; it may end soon.
        for attempt in 1... {
            let found = try proof.probe()
            if found.isEmpty { return }
            let isVacuum = found.allSatisfy { $0.hasSuffix("ShareUpdateExclusiveLock") }
            guard isVacuum, attempt < 20, !stop.wait(seconds: 0.5) else { throw Self.notStopped(found) }
        }
    }

    private func expect(
        _ before: [QualifiedName: QuietProof.Reading], _ proof: QuietProof, _ when: String
    ) throws {
        try expectNobody(proof)
        let now = try proof.read()
        let moved = now.filter { before[$0.key] != $0.value }.keys.sorted()
        guard !moved.isEmpty else { return }
        throw Self.notStopped(moved.map { "\($0) was written \(when)" })
    }

    private static func notStopped(_ who: [String]) -> DataBError {
        .refused(
            "the writers of Data B have not stopped: " + who.prefix(10).joined(separator: "; "),
            hint: "stop the jobs that write these tables, then again")
    }

    // MARK: copying and comparing

    private func copy(_ table: DerivedTable, _ session: BatchSession) throws {
        tell("copying \(table.name)")
        var status = DerivedStatus()
        do {
            try TableWork(
                session: session, table: table, work: table.column == nil ? .batch : .batchAndComparison, finish: nil
            ).run(&status)
        } catch {
            session.giveUp()
            throw error
        }
        // Where the runner would log `found by comparing`.
        if let found = status.comparison, found.found > 0 {
            tell(
                "\(table.name): found by comparing and made as on \(session.source.label): \(found.deleted) that are not there,"
                    + " \(found.untold) whose timestamp did not tell")
        }
    }

    private func compare(_ table: DerivedTable, _ session: BatchSession) throws -> FinalVerdict {
        tell("comparing \(table.name)")
        guard let layout = try TableBatch(session, table).layout() else { return try compareViews(table, session) }
        var comparison = try TableComparison(session, layout)
        let difference = try comparison.look()
        return FinalVerdict(
            table: table.name.description, isIdentical: difference.isNone, rows: difference.rows,
            difference: difference.isNone ? nil : words(difference, session), at: Date())
    }

    private func words(_ difference: TableComparison.Difference, _ session: BatchSession) -> String {
        let (there, here) = (session.source.label, session.target.label)
        var parts: [String] = []
        if difference.onlyThere > 0 { parts.append("rows only on \(there): \(difference.onlyThere)") }
        if difference.onlyHere > 0 { parts.append("rows only on \(here): \(difference.onlyHere)") }
        if difference.changed > 0 { parts.append("rows with other values: \(difference.changed)") }
        if !difference.keys.isEmpty { parts.append("keys " + difference.keys.joined(separator: " ")) }
        return withoutControls(parts.joined(separator: ", "))
    }

    /// Each side has filled its own: the same only when both did so from the same rows.
    private func compareViews(_ table: DerivedTable, _ session: BatchSession) throws -> FinalVerdict {
        let names = try RelationFacts.read(table.name, on: session.source)?.columns.map(\.name) ?? []
        let sql = StageStatements.fingerprint(names, of: table.name.sql, where: nil)
        func read(_ connection: Connection) throws -> [String] {
            let row = try connection.query(sql, doing: "comparing \(table.name) on \(connection.label)")
            return [row.string(0, 0), row.string(0, 1)]
        }
        let (there, here) = (try read(session.source), try read(session.target))
        let difference =
            there == here
            ? nil
            : "rows on \(session.source.label): \(there[0]), \(here[0]) on \(session.target.label), which filled the view by"
                + " itself; REFRESH MATERIALIZED VIEW \(table.name.pasteable) on \(session.source.label), then again"
        return FinalVerdict(
            table: table.name.description, isIdentical: difference == nil, rows: Int(there[0]) ?? 0,
            difference: difference, at: Date())
    }
}
