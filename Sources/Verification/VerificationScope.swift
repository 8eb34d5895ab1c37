// What a verification is asked to compare.

package import Model
internal import State

package struct VerificationScope: Sendable {
    package enum Kind: String, Sendable {
        case dataA = "a"
        /// Batches bring it along: it may rightly lag.
        case dataB = "b"
    }

    package struct Item: Sendable {
        package let table: QualifiedName
        package let kind: Kind
        /// Why it cannot be compared now.
        package let obstacle: VerificationError?

        package init(_ table: QualifiedName, _ kind: Kind, obstacle: VerificationError? = nil) {
            self.table = table
            self.kind = kind
            self.obstacle = obstacle
        }
    }

    package var items: [Item]
    /// All that could be asked for.
    package let known: [QualifiedName]
    /// What of the configuration is not compared, and why, a sentence each.
    package var notes: [String]

    package init(items: [Item], known: [QualifiedName]? = nil, notes: [String] = []) {
        self.items = items
        self.known = known ?? items.map(\.table)
        self.notes = notes
    }
}

/// How the comparison of one table ended.
package struct TableOutcome: Sendable {
    package let table: QualifiedName
    package let kind: VerificationScope.Kind
    /// Nil when it could not be compared.
    package var report: TableReport?
    /// Or, of a comparison that was made, what is to be known of it.
    package var problem: String?
    package var hint: String?
    package var repair: RepairReport?

    package init(table: QualifiedName, kind: VerificationScope.Kind) {
        self.table = table
        self.kind = kind
    }

    package var isEqual: Bool { report?.isEqual ?? false }
    package var isUnsettled: Bool { report.map { !$0.unsettled.isEmpty } ?? false }

    /// equal, differs, unsettled or failed
    package var verdict: String { judgement.rawValue }

    private var judgement: VerificationRecord.Verdict {
        guard let report else { return .failed }
        return report.isEqual ? .equal : report.differences.isEmpty && !report.hasMore ? .unsettled : .differs
    }

    var record: VerificationRecord {
        var record = VerificationRecord(table: table, verdict: judgement)
        record.detail = problem ?? report?.reason
        guard let report else { return record }
        record.rowsOld = report.old.rows
        record.rowsNew = report.new.rows
        record.digestOld = report.old.description
        record.digestNew = report.new.description
        record.differing = report.differences.count
        record.repaired = repair?.repaired ?? 0
        record.oldPosition = report.oldPosition
        record.newPosition = report.newPosition
        record.seconds = report.seconds
        return record
    }
}
