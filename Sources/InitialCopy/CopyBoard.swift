// What there is to copy, how far each table has come, and who takes what next: shared by the workers and the run that
// watches over them. Biggest first; a table under way is finished before another is begun.

internal import Apply
internal import Model
internal import State
internal import Threading

final class CopyBoard: Sendable {
    enum Phase: String {
        case waiting, copying, copied, finishing, done, again
    }

    struct Entry {
        let oid: UInt32
        var name: QualifiedName
        var phase: Phase
        var after: UInt64?
        /// Of the table on the source.
        var size = 0
        /// Most of it lies outside the rows, so that their number tells little.
        var isMostlyAside = false
        var expectedRows: Int?
        var rows = 0
        var bytes = 0
        var failures = 0
        var notBefore: Monotonic?
        var problem: (message: String, hint: String?)?
        var isTransient = false
        var attempt: CopyAttempt?
        /// It may be gone on with in another snapshot.
        var base: CopyBase?
        /// Pages of a part, when those of the usual size took too long.
        var step: Int?
        /// Nothing is to be done before the stream has passed this.
        var waitsFor: LSN?
        /// Whether new has recorded it as done is not known.
        var isUncertain = false
        /// Of parts that are committed.
        var kept = (rows: 0, bytes: 0)
        /// New had unique keys before its rows, and rows of different snapshots met in one.
        var hasMet = false
        /// Keys, indexes and statistics are there.
        var isMade = false

        mutating func measure(_ leaf: SourceLeaf) {
            size = leaf.bytes
            isMostlyAside = (leaf.aside ?? 0) > size / 2
        }

        /// Nothing of it is on new.
        mutating func beginAgain() {
            base = nil
            isMade = false
            isUncertain = false
            waitsFor = nil
            kept = (0, 0)
        }
    }

    enum Job {
        case table(UInt32)
        case range(CopyAttempt, PageRange)
        case finish(UInt32)
    }

    private struct State {
        var entries: [UInt32: Entry] = [:]
        var isResting = false
        var isOver = false
        var hasBegun = false
    }

    private let state = Monitor(State())
    private let gate: CopyGate

    init(_ gate: CopyGate) { self.gate = gate }

    private var passed: LSN { gate.passed }

    // MARK: what there is

    func load(_ tables: [CopiedTable]) {
        state.change { state in
            for table in tables where state.entries[table.oid] == nil {
                var entry = Entry(oid: table.oid, name: table.name, phase: .waiting)
                switch table.state {
                case .waiting, .copying: break
                case .copied: entry.phase = .copied
                case .done: entry.phase = .done
                case .again: entry.phase = .again
                }
                entry.after = table.after
                entry.base = CopyBase(table)
                entry.rows = table.rows
                entry.bytes = table.bytes
                if let problem = table.problem { entry.problem = (problem, table.hint) }
                state.entries[table.oid] = entry
            }
        }
    }

    func measured(_ leaves: [SourceLeaf]) {
        state.change { state in
            for leaf in leaves {
                state.entries[leaf.oid]?.measure(leaf)
                state.entries[leaf.oid]?.expectedRows = leaf.rows
                state.entries[leaf.oid]?.name = leaf.name
            }
        }
    }

    var entries: [Entry] { state.withLock { Array($0.entries.values) } }
    var isComplete: Bool { state.withLock { $0.entries.values.allSatisfy { $0.phase == .done } } }
    func knows(_ oid: UInt32) -> Bool { state.withLock { $0.entries[oid] != nil } }

    func entry(_ oid: UInt32) -> Entry? { state.withLock { $0.entries[oid] } }

    func change(_ oid: UInt32, _ body: (inout Entry) -> Void) {
        state.change { state in
            guard var entry = state.entries[oid] else { return }
            body(&entry)
            state.entries[oid] = entry
        }
    }

    // MARK: who does what

    func begin() { state.change { $0.hasBegun = true } }
    func end() { state.change { $0.isOver = true } }
    func rest(_ isResting: Bool) { state.change { $0.isResting = isResting } }

    /// The next thing to do; waits for one. Nil when it is over.
    func next() -> Job? {
        while true {
            let job: Job?? = state.wait(seconds: 1) { state in
                if state.isOver { return .some(nil) }
                return choose(&state).map { .some($0) }
            }
            if let job { return job }
        }
    }

    private func choose(_ state: inout State) -> Job? {
        guard state.hasBegun, !state.isResting else { return nil }
        let entries = state.entries.values.sorted { ($0.size, $1.oid) > ($1.size, $0.oid) }
        for entry in entries {
            if let attempt = entry.attempt, let range = attempt.join() { return .range(attempt, range) }
        }
        let now = Monotonic.now
        let passed = passed
        let ready = entries.filter { ($0.notBefore ?? now) <= now && ($0.waitsFor ?? .zero) <= passed }
        if let copied = ready.first(where: { $0.phase == .copied }) {
            state.entries[copied.oid]?.phase = .finishing
            return .finish(copied.oid)
        }
        guard let next = ready.first(where: { $0.phase == .waiting }) else { return nil }
        state.entries[next.oid]?.phase = .copying
        return .table(next.oid)
    }
}

extension CopyBase {
    /// Nil for a table of which nothing is kept.
    init?(_ table: CopiedTable) {
        guard table.state == .copying || table.state == .copied, let snapshot = table.snapshot, let form = table.form
        else {
            return nil
        }
        self.init(snapshot: snapshot, until: table.until, form: form, pages: table.pages)
    }
}
