// What is left of a table that is being copied in parts, and who may take of it: helpers only once the record that parts are
// coming is committed, because only then will whoever comes after a crash remove or keep them. A failure of anybody ends it
// for all. Pure; not thread-safe.

internal import Apply

struct PartQueue {
    private(set) var pending: [PageRange]
    /// Helpers may come.
    private(set) var isOpen = false
    private(set) var helping = 0
    private(set) var failure: (any Error)?

    init(_ pending: [PageRange]) { self.pending = pending }

    var hasPending: Bool { failure == nil && !pending.isEmpty }

    mutating func open() { isOpen = true }

    /// The leader's next part; nil when there is none, or no time for it.
    mutating func take(unless isOverdue: Bool) throws -> PageRange? {
        if let failure { throw failure }
        return pending.isEmpty || isOverdue ? nil : pending.removeFirst()
    }

    /// A helper's first one; it must `leave` afterwards.
    mutating func join(unless isOverdue: Bool) -> PageRange? {
        guard isOpen, hasPending, !isOverdue else { return nil }
        helping += 1
        return pending.removeFirst()
    }

    mutating func leave() { helping -= 1 }

    /// The first reason counts.
    mutating func fail(_ error: any Error) {
        if failure == nil { failure = error }
    }
}
