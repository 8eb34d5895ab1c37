// Who may take parts of a table, and when.

import Apply
import Testing

@testable import InitialCopy

@Suite struct PartQueueTests {
    private struct Broken: Error {}
    private let parts = (0..<3).map { PageRange(first: $0, end: $0 + 1) }

    /// Rows that a helper committed before the table's record would be met by whoever comes after a crash, and taken for
    /// somebody else's.
    @Test func nobodyHelpsBeforeTheRecordIsCommitted() throws {
        var queue = PartQueue(parts)
        #expect(queue.join(unless: false) == nil && queue.helping == 0)
        queue.open()
        #expect(queue.join(unless: false) == parts[0] && queue.helping == 1)
        #expect(try queue.take(unless: false) == parts[1])
        queue.leave()
        #expect(queue.helping == 0 && queue.hasPending)
    }

    @Test func nothingIsHandedOutOnceTheSnapshotIsTooOld() throws {
        var queue = PartQueue(parts)
        queue.open()
        #expect(try queue.take(unless: true) == nil)
        #expect(queue.join(unless: true) == nil && queue.hasPending)
    }

    @Test func oneFailureEndsItForAll() throws {
        var queue = PartQueue(parts)
        queue.open()
        queue.fail(Broken())
        #expect(throws: Broken.self) { try queue.take(unless: false) }
        #expect(queue.join(unless: false) == nil && !queue.hasPending)
    }
}
