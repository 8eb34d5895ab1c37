// Compares every table of a pair that is asked for, one after the other, repairs where asked, and keeps on new how each
// ended. On the caller's thread.

internal import Failpoints
internal import Foundation
package import Model
internal import Postgres
package import State
internal import Threading

package final class PairVerification {
    package struct Progress: Sendable {
        package let table: QualifiedName
        /// Of the tables, counted from 1.
        package let number: Int
        package let tables: Int
        package let part: ComparisonProgress
        /// Of this table.
        package let secondsLeft: Double?
    }

    private let comparison: PairComparison
    private let scope: VerificationScope
    private let settings: ComparisonSettings
    /// Nothing is written on new, neither record nor progress.
    private let records: Bool
    private let afresh: Bool
    private let owner: VerificationRecords.Owner
    private let progress: (Progress) -> Void
    /// Tables of which an earlier comparison, that was cut off, had compared a part.
    package private(set) var continued: [QualifiedName] = []

    package init(
        _ comparison: PairComparison, _ scope: VerificationScope, _ settings: ComparisonSettings, records: Bool,
        owner: VerificationRecords.Owner = .command, afresh: Bool = false,
        progress: @escaping (Progress) -> Void = { _ in }
    ) {
        self.comparison = comparison
        self.scope = scope
        self.settings = settings
        self.records = records && !settings.readsOnly
        self.afresh = afresh
        self.owner = owner
        self.progress = progress
    }

    /// `told` hears of each table as soon as it is done. Throws only what ends the whole.
    package func run(told: (TableOutcome) -> Void = { _ in }) throws -> [TableOutcome] {
        let (stream, owner) = (comparison.stream, owner)
        if records { try comparison.desks.new.ask { try VerificationRecords($0, stream, owner).install() } }
        var outcomes: [TableOutcome] = []
        for (place, item) in scope.items.enumerated() {
            let outcome = try outcome(item, number: place + 1)
            try note(outcome)
            told(outcome)
            outcomes.append(outcome)
        }
        return outcomes
    }

    package func note(_ outcome: TableOutcome) throws {
        guard records else { return }
        let (record, stream, owner) = (outcome.record, comparison.stream, owner)
        try comparison.desks.new.ask { try VerificationRecords($0, stream, owner).note(record) }
    }

    private func outcome(_ item: VerificationScope.Item, number: Int) throws -> TableOutcome {
        var outcome = TableOutcome(table: item.table, kind: item.kind)
        do {
            if let obstacle = item.obstacle { throw obstacle }
            outcome.report = try compare(item, number: number)
        } catch {
            if comparison.stop.isRaised { throw error }
            // With a side gone nothing more can be compared.
            if let error = error as? PostgresError, error.isConnectionLost { throw error }
            let (direction, known) = (comparison.stream.direction, error as? VerificationError)
            outcome.problem = known?.text(direction) ?? "\(error)"
            outcome.hint =
                known.map { $0.hint(direction) } ?? (error as? any Explained)?.hint ?? Self.remedy(error, item.table)
        }
        return outcome
    }

    private static func remedy(_ error: any Error, _ table: QualifiedName) -> String? {
        guard let error = error as? PostgresError else { return nil }
        if error.function == "check_enable_rls" {
            return "row security hides rows from tandem's role there: give it BYPASSRLS"
        }
        switch error.sqlState {
        case "42501": return "GRANT SELECT ON \(table.pasteable) TO …, for tandem's role there"
        case "55P03": return "somebody holds a lock on it that excludes readers: compare it again later"
        default: return nil
        }
    }

    private func compare(_ item: VerificationScope.Item, number: Int) throws -> TableReport {
        let table = try comparison.look(up: item.table, onNew: item.table)
        let start = try checkpoint(table)
        let begun = Monotonic.now
        let (scope, progress, settings) = (scope, progress, settings)
        var kept = Monotonic.now
        let run = TableComparison(
            table, comparison.desks, comparison.settling(follows: item.kind == .dataA ? .stream : .nothing), settings,
            stop: comparison.stop
        ) { part in
            let left = part.share > 0.02 ? begun.age * (1 - part.share) / part.share : nil
            progress(
                Progress(table: item.table, number: number, tables: scope.items.count, part: part, secondsLeft: left))
        } checkpoint: { [self] point in
            // Often where something is being tried, otherwise not for every range.
            guard records, kept.age > (Failpoint.isArmed ? 0 : 2) else { return }
            kept = .now
            keep(point, table)
        }
        return try run.run(from: start)
    }

    // MARK: going on after a kill

    private func checkpoint(_ table: ComparedTable) throws -> TableComparison.Checkpoint? {
        guard records, !table.ordered.isEmpty else { return nil }
        let (stream, name, afresh, owner) = (comparison.stream, table.old, afresh, owner)
        let kept = try comparison.desks.new.ask { connection -> VerificationCheckpoint? in
            let records = VerificationRecords(connection, stream, owner)
            if afresh { try records.forgetCheckpoint(of: name) }
            return try records.checkpoint(of: name)
        }
        guard let kept, kept.form == table.form, let old = TableDigest(kept.digestOld),
            let new = TableDigest(kept.digestNew),
            let suspects = try? JSONDecoder().decode([[String]].self, from: Data(kept.suspects.utf8))
        else { return nil }
        continued.append(name)
        return TableComparison.Checkpoint(from: kept.cursor, old: old, new: new, suspects: suspects)
    }

    private func keep(_ point: TableComparison.Checkpoint, _ table: ComparedTable) {
        guard let data = try? JSONEncoder().encode(point.suspects) else { return }
        let checkpoint = VerificationCheckpoint(
            form: table.form, cursor: point.from, digestOld: point.old.description, digestNew: point.new.description,
            suspects: String(decoding: data, as: UTF8.self))
        let (stream, name, owner) = (comparison.stream, table.old, owner)
        // Behind what is being read; nobody waits for it.
        _ = comparison.desks.new.begin { connection in
            try VerificationRecords(connection, stream, owner).keep(checkpoint, of: name)
            Failpoint.pass(.afterComparedRange)
        }
    }
}
