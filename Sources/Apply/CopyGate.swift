// Between the stream and tables whose existing rows are still being copied: decides, for one transaction and one table,
// whether its changes are in the copy, are to be applied, or have to wait. Shared by the applier and the copy.
//
//     waiting ──▶ starting ──▶ copying(snapshot) ──▶ done(snapshot)
//        ▲            │              │
//        └────────────┴──────────────┘  the attempt failed: its rows are removed, a later snapshot will do
//
//     waiting   a snapshot is still to be taken. What can be seen on old already will be in it: left out. What cannot be
//               seen yet has to wait until it can.
//     starting  the snapshot is being taken: nobody knows yet what will be in it. Everything waits.
//     copying   what the snapshot shows is in the copy: left out. Everything else waits for the copy.
//     done      what the snapshot shows is left out, everything else applied.
//
// So nothing is ever left out that a copy does not contain: what was left out while waiting was visible on old before the
// snapshot was begun, because `starting` lies between, and snapshots taken one after another only ever show more.

package import Model
internal import Synchronization
package import Threading

package final class CopyGate: Sendable {
    package enum Stage: Sendable {
        case waiting
        case starting
        case copying(TransactionSnapshot)
        /// Every transaction that the snapshot shows ended at or before `until`.
        case done(TransactionSnapshot, until: LSN)
    }

    package enum Admission: Sendable, Equatable {
        /// To be applied, but for the changes of these tables.
        case pass(without: Set<UInt32>)
        /// Until this table's copy is complete.
        case hold(UInt32)
        /// Until the transaction can be seen on the source, as a newer `horizon` must show.
        case unseen
    }

    private struct State {
        var stages: [UInt32: Stage] = [:]
        /// What could be seen on the source a moment ago.
        var horizon: TransactionSnapshot?
        /// Each time somebody needs to know that the applier has nothing in flight that was decided before.
        var asked = 0
        var answered = 0
        var holding: (table: UInt32, position: LSN)?
    }

    private let state = Monitor(State())
    /// Transactions that end later than this pass without a look.
    private let bound = Atomic<UInt64>(0)
    private let asking = Atomic<Bool>(false)

    /// Raised when a transaction that had to wait may be asked for again.
    package let moved = Wakeup()

    package init() {}

    // MARK: for the copy

    package func set(_ table: UInt32, _ stage: Stage) {
        state.change { state in
            state.stages[table] = stage
            refreshBound(state)
        }
        moved.raise()
    }

    private func refreshBound(_ state: State) {
        var highest: UInt64 = 0
        for stage in state.stages.values {
            switch stage {
            case .waiting, .starting, .copying: highest = .max
            case .done(_, let until): highest = max(highest, until.raw)
            }
        }
        bound.store(highest, ordering: .releasing)
    }

    /// Waits until nothing is in flight that the applier decided before this call, and until it has looked again at what is
    /// set aside. False when that did not happen within the time.
    package func settle(seconds: Double) -> Bool {
        let mine = state.change { state in
            state.asked += 1
            asking.store(true, ordering: .releasing)
            return state.asked
        }
        moved.raise()
        return state.wait(seconds: seconds) { $0.answered >= mine ? true : nil } ?? false
    }

    /// The table, and the position, that the stream waits at.
    package var holding: (table: UInt32, position: LSN)? { state.withLock { $0.holding } }

    // MARK: for the applier

    package func mayStop(_ end: LSN) -> Bool { end.raw <= bound.load(ordering: .acquiring) }

    package var isAsking: Bool { asking.load(ordering: .acquiring) }

    /// Nothing is in flight.
    package func settled() {
        state.change { state in
            state.answered = state.asked
            asking.store(false, ordering: .releasing)
        }
    }

    package func see(_ horizon: TransactionSnapshot) { state.withLock { $0.horizon = horizon } }

    package func admit(_ transaction: UInt32, end: LSN, tables: Set<UInt32>) -> Admission {
        state.withLock { state in
            let admission = decide(state, transaction, end, tables)
            if case .hold(let table) = admission { state.holding = (table, end) } else { state.holding = nil }
            return admission
        }
    }

    private func decide(_ state: State, _ transaction: UInt32, _ end: LSN, _ tables: Set<UInt32>) -> Admission {
        var without: Set<UInt32> = []
        var isUnseen = false
        for table in tables {
            switch state.stages[table] {
            case nil: continue
            case .starting: return .hold(table)
            case .waiting:
                without.insert(table)
                if state.horizon?.sees(transaction) != true { isUnseen = true }
            case .copying(let snapshot):
                guard snapshot.sees(transaction) else { return .hold(table) }
                without.insert(table)
            case .done(let snapshot, let until):
                if end <= until && snapshot.sees(transaction) { without.insert(table) }
            }
        }
        return isUnseen ? .unseen : .pass(without: without)
    }
}
