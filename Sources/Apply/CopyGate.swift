// Between the stream and tables whose existing rows are still being copied: decides, for one transaction and one table,
// whether its changes are in the copy, are to be applied, are only noted, or have to wait. Shared by the applier and the copy.
//
//     waiting ──▶ starting ──▶ copying(snapshot) ────────────────────────▶ done(snapshot)      without a key
//        ▲            │              │                                        ▲
//        ├────────────┴──────────────┘  failed: its rows are removed          │
//        │            ▼                                                       │
//        └──────── noting(first) ──▶ starting ──▶ handing(last) ──────────────┘              with a key
//                     ▲                               │
//                     └───────────────────────────────┘  failed: what was read stays
//
//     waiting   a snapshot is still to be taken. What can be seen on old already will be in it: left out. What cannot be
//               seen yet has to wait until it can.
//     starting  a snapshot is being taken: nobody knows yet what will be in it. Everything waits.
//     copying   what the snapshot shows is in the copy: left out. Everything else waits for the copy.
//     noting    rows are being read, in this snapshot and later ones. What the first one shows is in all of them: left out.
//               Of everything else the keys are noted, once it can be seen on old, to be read again in a later snapshot.
//     handing   every key noted so far has been read in this snapshot. What it shows is noted still, everything else is
//               applied, but not while a key is noted that was not read again.
//     done      what the snapshot shows is left out, everything else applied.
//
// So nothing is ever left out that a copy does not contain: what was left out while waiting was visible on old before the
// snapshot was begun, because `starting` lies between, and snapshots taken one after another only ever show more. The same
// holds for what was noted and the snapshot in which it is read again. While a table is handed over, a transaction that the
// snapshot lacks and one behind it in the log that it shows have no row in common: the later writer of a row would have
// waited for the earlier one to be over.

package import Model
internal import Synchronization
package import Threading

package final class CopyGate: Sendable {
    package enum Stage: Sendable {
        case waiting
        case starting
        case copying(TransactionSnapshot)
        case noting(TransactionSnapshot, until: LSN)
        case handing(TransactionSnapshot, until: LSN)
        /// Every transaction that the snapshot shows ended at or before `until`.
        case done(TransactionSnapshot, until: LSN)
    }

    package enum Admission: Sendable, Equatable {
        /// To be applied, but for the changes of these tables, some of which are to be noted.
        case pass(without: Set<UInt32>, noting: Set<UInt32> = [])
        /// Until this table's copy is complete.
        case hold(UInt32)
        /// Until the transaction can be seen on the source, as a newer `horizon` must show.
        case unseen
    }

    private struct Notes {
        /// How often a transaction passed with notes of it, and how many of those have been read again.
        var taken = 0
        var read = 0
    }

    private struct State {
        var stages: [UInt32: Stage] = [:]
        var notes: [UInt32: Notes] = [:]
        /// What could be seen on the source a moment ago.
        var horizon: TransactionSnapshot?
        /// Each time somebody needs to know that the applier has nothing in flight that was decided before.
        var asked = 0
        var answered = 0
        var holding: (table: UInt32, position: LSN)?

        func hasNotes(_ table: UInt32) -> Bool { notes[table].map { $0.taken > $0.read } ?? false }
    }

    private let state = Monitor(State())
    /// Transactions that end later than this pass without a look.
    private let bound = Atomic<UInt64>(0)
    private let asking = Atomic<Bool>(false)
    private let passedEnd = Atomic<UInt64>(0)

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

    /// The very first snapshot is about to be taken: nothing noted before matters.
    package func begin(_ table: UInt32) {
        state.withLock { $0.notes[table] = nil }
        set(table, .starting)
    }

    /// Everything waits from now on, if nothing was noted of the table; false otherwise.
    package func holdIfUntouched(_ table: UInt32) -> Bool {
        state.change { state in
            guard !state.hasNotes(table) else { return false }
            state.stages[table] = .starting
            refreshBound(state)
            return true
        }
    }

    /// There are notes that an earlier run has made.
    package func assumeNotes(_ table: UInt32) {
        state.withLock { $0.notes[table, default: Notes()].taken += 1 }
    }

    /// How often a transaction was noted; for `read`, once those are in new's table of notes.
    package func notes(_ table: UInt32) -> Int { state.withLock { $0.notes[table]?.taken ?? 0 } }
    package func hasNotes(_ table: UInt32) -> Bool { state.withLock { $0.hasNotes(table) } }

    package func read(_ table: UInt32, upTo count: Int) {
        state.change { $0.notes[table]?.read = count }
        moved.raise()
    }

    private func refreshBound(_ state: State) {
        var highest: UInt64 = 0
        for stage in state.stages.values {
            switch stage {
            case .waiting, .starting, .copying, .noting, .handing: highest = .max
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

    /// Everything that ended before is behind the applier, committed on new.
    package var passed: LSN { LSN(passedEnd.load(ordering: .acquiring)) }

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

    package func nowPassed(_ position: LSN) {
        guard position > passed else { return }
        passedEnd.store(position.raw, ordering: .releasing)
    }

    package func see(_ horizon: TransactionSnapshot) { state.withLock { $0.horizon = horizon } }

    /// What is not taken yet is looked at only, and counts nothing: it will be asked for again. Were it counted, the copy
    /// would ask to have it read again before it comes, which makes the applier look afresh, and so on for ever.
    package func admit(
        _ transaction: UInt32, end: LSN, tables: Set<UInt32>, isTaken: Bool = true
    ) -> Admission {
        state.withLock { state in
            let admission = decide(state, transaction, end, tables)
            if case .hold(let table) = admission { state.holding = (table, end) } else { state.holding = nil }
            if isTaken, case .pass(_, let noting) = admission {
                for table in noting { state.notes[table, default: Notes()].taken += 1 }
            }
            return admission
        }
    }

    private func decide(_ state: State, _ transaction: UInt32, _ end: LSN, _ tables: Set<UInt32>) -> Admission {
        var without: Set<UInt32> = []
        var noting: Set<UInt32> = []
        var mustBeSeen = false
        for table in tables {
            switch state.stages[table] {
            case nil: continue
            case .starting: return .hold(table)
            case .waiting:
                without.insert(table)
                mustBeSeen = true
            case .copying(let snapshot):
                guard snapshot.sees(transaction) else { return .hold(table) }
                without.insert(table)
            case .noting(let first, let until):
                if end <= until && first.sees(transaction) {
                    without.insert(table)
                } else {
                    noting.insert(table)
                    mustBeSeen = true
                }
            case .handing(let last, let until):
                if end <= until && last.sees(transaction) {
                    noting.insert(table)
                } else if state.hasNotes(table) {
                    return .hold(table)
                }
            case .done(let snapshot, let until):
                if end <= until && snapshot.sees(transaction) { without.insert(table) }
            }
        }
        if mustBeSeen && state.horizon?.sees(transaction) != true { return .unseen }
        return .pass(without: without, noting: noting)
    }
}
