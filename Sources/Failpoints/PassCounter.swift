// Counts passings over all threads.

internal import Synchronization

final class PassCounter: Sendable {
    private let count = Atomic<Int>(0)

    func next() -> Int { count.add(1, ordering: .relaxed).newValue }
}
