// What came of one piece of work on a table: numbers for status, log and evidence.

package import Foundation
internal import State

package struct BatchReport: Codable, Sendable, Equatable {
    /// Rows that were read, and rows of the table that were touched because they differed.
    package var read = 0
    package var written = 0
    /// Of rows on their way.
    package var bytes = 0
    package var seconds = 0.0
    package var mark: String?
    /// Who keeps the mark from moving on.
    package var heldBy: String?
    /// A view that was filled anew and carried nothing.
    package var isRefresh = false

    package init() {}
}

package struct ComparisonReport: Codable, Sendable, Equatable {
    /// Rows the other side no longer has.
    package var deleted = 0
    /// Rows that were missing or different though their timestamp did not say so: NULL, or moved backwards.
    package var untold = 0
    /// Rows that a batch would have brought anyway.
    package var late = 0
    /// Rows that were read on the side that gives, to hash, to list, and to bring along.
    package var readOnSource = 0
    package var ranges = 0
    package var differing = 0
    /// That came from there.
    package var bytes = 0
    package var seconds = 0.0

    package init() {}

    package var found: Int { deleted + untold }
}

/// Of one table, as new keeps it for everybody to read.
package struct DerivedStatus: KeptAsJSON, Sendable, Equatable {
    package enum State: String, Codable, Sendable {
        case waiting, working, failing, paused, postponed
    }

    package var state = State.waiting
    package var way = ""
    package var batch: BatchReport?
    package var batchAt: Date?
    package var comparison: ComparisonReport?
    package var comparisonAt: Date?
    /// Everything that comparisons of this run have found.
    package var foundInAll = 0
    package var nextRun: Date?
    package var problem: String?
    package var hint: String?
    package var sqlstate: String?
    package var failures = 0

    package init() {}
}
