// What the applying thread tells the others: how far it has come, and what stands in its way. Positions and counters are
// atomic; the rest changes rarely and lies under a monitor.

internal import Foundation
package import Model
package import State
internal import Synchronization
package import Threading

package final class ApplyProgress: Sendable {
    private let appliedEnd: Atomic<UInt64>
    private let transactionCount = Atomic<Int>(0)
    private let changeCount = Atomic<Int>(0)
    private let batchCount = Atomic<Int>(0)
    private let differenceCount = Atomic<Int>(0)

    private struct Rare {
        var problem: StreamStatus.Problem?
        var isBlocked = false
        var sentBeats: [Int: Monotonic] = [:]
        var seen: (beat: Int, at: Monotonic)?
        var latency: Double?
        var halt: Sentinel?
    }

    private let rare = Monitor(Rare())

    /// Raised after each commit on the target, so that who waits for progress need not poll.
    package let moved = Wakeup()

    /// Raised when a stream that halted may go on.
    let goesOn = Wakeup()

    package init(applied: LSN) { appliedEnd = Atomic(applied.raw) }

    // MARK: positions and counts

    package var applied: LSN { LSN(appliedEnd.load(ordering: .acquiring)) }
    package var transactions: Int { transactionCount.load(ordering: .relaxed) }
    /// Commits on the target that brought transactions.
    package var batches: Int { batchCount.load(ordering: .relaxed) }
    package var changes: Int { changeCount.load(ordering: .relaxed) }
    package var differences: Int { differenceCount.load(ordering: .relaxed) }

    func committed(through end: LSN, transactions: Int, changes: Int) {
        appliedEnd.store(end.raw, ordering: .releasing)
        transactionCount.add(transactions, ordering: .relaxed)
        changeCount.add(changes, ordering: .relaxed)
        if transactions > 0 { batchCount.add(1, ordering: .relaxed) }
        moved.raise()
    }

    func found(differences: Int) { differenceCount.add(differences, ordering: .relaxed) }

    // MARK: problems

    package var problem: (StreamStatus.Problem, isBlocked: Bool)? {
        rare.withLock { rare in rare.problem.map { ($0, rare.isBlocked) } }
    }

    /// True when this problem is news: the same one again keeps its beginning and is not logged twice.
    func report(_ problem: StreamStatus.Problem, blocked: Bool) -> Bool {
        rare.withLock { rare in
            if let known = rare.problem, known.message == problem.message, known.position == problem.position,
                rare.isBlocked == blocked
            {
                return false
            }
            rare.problem = problem
            rare.isBlocked = blocked
            return true
        }
    }

    /// The problem is over; what it was.
    func clearProblem() -> StreamStatus.Problem? {
        rare.withLock { rare in
            defer {
                rare.problem = nil
                rare.isBlocked = false
            }
            return rare.problem
        }
    }

    // MARK: halting

    /// The mark at which the stream stands still, everything before it applied.
    package var halt: Sentinel? { rare.withLock { $0.halt } }

    func halted(at sentinel: Sentinel) {
        rare.withLock { $0.halt = sentinel }
        moved.raise()
    }

    /// What became of the step is known, and this stream has to do what it did before.
    package func goOn() {
        rare.withLock { $0.halt = nil }
        goesOn.raise()
    }

    // MARK: latency, by heartbeat

    /// A beat was committed on the source. It may have become visible before we heard that it was committed; then it
    /// counts from when it was sent.
    package func sent(beat: Int, began: Monotonic) {
        let now = Monotonic.now
        rare.withLock { rare in
            if let seen = rare.seen, seen.beat >= beat {
                if seen.beat == beat { rare.latency = max(0, seen.at.seconds(since: began)) }
                return
            }
            if rare.sentBeats.count > 1000 { rare.sentBeats.removeAll() }
            rare.sentBeats[beat] = now
        }
    }

    func visible(beat: Int) {
        let now = Monotonic.now
        rare.withLock { rare in
            rare.seen = (beat, now)
            guard let sent = rare.sentBeats[beat] else { return }
            rare.latency = max(0, now.seconds(since: sent))
            rare.sentBeats = rare.sentBeats.filter { $0.key > beat }
        }
    }

    /// Seconds from commit on the source to visible on the target, of the newest heartbeat that is visible.
    package var latency: Double? { rare.withLock { $0.latency } }
}
