// Reading a table in several snapshots, against a model of the source: rows move from page to page, commits become visible
// late, parts are read in one snapshot after another, the process dies in between. In the end every row is on new once, as
// the source has it; and before there are unique keys on new, no key is there twice.

import Apply
import Model
import Testing

@Suite struct NotedCopyTests {
    private let table: UInt32 = 7

    private func snapshot(_ text: String) throws -> TransactionSnapshot { try #require(TransactionSnapshot(text)) }

    @Test func whatTheFirstSnapshotLacksIsNotedOnceItCanBeSeen() throws {
        let gate = CopyGate()
        gate.set(table, .noting(try snapshot("4:6:5"), until: LSN(10)))
        #expect(gate.admit(4, end: LSN(9), tables: [table]) == .pass(without: [table]))
        #expect(gate.admit(5, end: LSN(11), tables: [table]) == .unseen)
        gate.see(try snapshot("6:6:"))
        #expect(!gate.hasNotes(table))
        #expect(gate.admit(5, end: LSN(11), tables: [table]) == .pass(without: [], noting: [table]))
        #expect(gate.hasNotes(table) && !gate.holdIfUntouched(table))
        // Behind the snapshot's position the number may have come round again.
        #expect(gate.admit(4, end: LSN(12), tables: [table]) == .pass(without: [], noting: [table]))
    }

    @Test func whileItIsHandedOverNothingPassesNotesThatAreNotRead() throws {
        let gate = CopyGate()
        gate.set(table, .handing(try snapshot("4:6:5"), until: LSN(10)))
        #expect(gate.admit(5, end: LSN(8), tables: [table]) == .pass(without: []))
        #expect(gate.admit(4, end: LSN(9), tables: [table]) == .pass(without: [], noting: [table]))
        #expect(gate.admit(5, end: LSN(10), tables: [table]) == .hold(table))
        gate.read(table, upTo: gate.notes(table))
        #expect(gate.admit(5, end: LSN(10), tables: [table]) == .pass(without: []))
    }

    /// Who only looks is asked to look again by what it counts: neither the copy nor the stream would come any further.
    @Test func whatIsOnlyLookedAtIsNotNoted() throws {
        let gate = CopyGate()
        for stage in [
            CopyGate.Stage.noting(try snapshot("3:4:"), until: LSN(1)), .handing(try snapshot("6:6:"), until: LSN(10)),
        ] {
            gate.set(table, stage)
            gate.see(try snapshot("6:6:"))
            #expect(
                gate.admit(5, end: LSN(9), tables: [table], isTaken: false) == .pass(without: [], noting: [table]))
            #expect(!gate.hasNotes(table))
            #expect(gate.admit(5, end: LSN(9), tables: [table]) == .pass(without: [], noting: [table]))
            #expect(gate.hasNotes(table))
            gate.read(table, upTo: gate.notes(table))
        }
    }

    @Test func anUntouchedTableIsHeldAtOnce() throws {
        let gate = CopyGate()
        gate.set(table, .noting(try snapshot("4:6:5"), until: LSN(10)))
        #expect(gate.holdIfUntouched(table))
        #expect(gate.admit(5, end: LSN(8), tables: [table]) == .hold(table))
    }

    @Test(arguments: 0..<600)
    func everyRowIsThereOnce(seed: UInt64) throws {
        var world = World(seed)
        for _ in 0..<400 { world.step() }
        var left = 100_000
        while !world.isFinished {
            world.step(ending: true)
            left -= 1
            try #require(left > 0, "seed \(seed): it never ends")
        }
        #expect(world.target == world.expected, "seed \(seed)")
        #expect(!world.hadDoubles, "seed \(seed)")
    }
}

/// A table of a few keys on a few pages, its writers, its log, and a copy of it.
private struct World {
    struct Version {
        let by: UInt64
        /// Nil: the row is gone.
        let value: [UInt64]?
        let page: Int
    }

    struct Writer {
        let number: UInt64
        var changes: [(key: Int, value: [UInt64]?)]
    }

    enum Stage {
        case waiting, starting, reading, mending, handing, done
    }

    let table: UInt32 = 7
    let pages = 4
    var random: SplitMix
    var gate = CopyGate()
    var next: UInt64 = 100
    var history: [Int: [Version]] = [:]
    var running: [Writer] = []
    var committing: [Writer] = []
    var log: [Writer] = []
    var delivered = 0
    // What new holds: rows by key, notes, how far the copy is.
    var target: [Int: [[UInt64]]] = [:]
    var notes: [Int] = []
    var stage = Stage.waiting
    var first: (snapshot: TransactionSnapshot, until: LSN)?
    var current: (snapshot: TransactionSnapshot, until: LSN)?
    var snapshots = 0
    var left: [Int] = []
    var hadDoubles = false

    init(_ seed: UInt64) {
        random = SplitMix(seed)
        gate.set(table, .waiting)
        for key in 0..<6 { history[key] = [Version(by: 1, value: [1], page: key % pages)] }
    }

    var isFinished: Bool { stage == .done && running.isEmpty && committing.isEmpty && delivered == log.count }

    var expected: [Int: [[UInt64]]] { rows { _ in true } }

    private var sight: (snapshot: TransactionSnapshot, until: LSN) {
        let open = Set((running + committing).map(\.number))
        return (
            TransactionSnapshot(xmin: open.min() ?? next, xmax: next, open: open), LSN(UInt64(log.count))
        )
    }

    private func seen(_ key: Int, _ snapshot: TransactionSnapshot) -> Version? {
        history[key]?.last { $0.by < 100 || snapshot.sees(UInt32($0.by)) }
    }

    private func rows(_ isWanted: (Int) -> Bool) -> [Int: [[UInt64]]] {
        var rows: [Int: [[UInt64]]] = [:]
        for key in 0..<8 where isWanted(key) { if let value = history[key]?.last?.value { rows[key] = [value] } }
        return rows
    }

    private mutating func dice(_ sides: Int) -> Int { Int(random.next() % UInt64(sides)) }

    mutating func step(ending: Bool = false) {
        switch dice(8) {
        case 0 where !ending: begin()
        case 1 where !running.isEmpty:
            let one = running.remove(at: dice(running.count))
            log.append(one)
            committing.append(one)
        case 2 where !committing.isEmpty: committing.remove(at: dice(committing.count))
        case 3, 4: deliver()
        case 5, 6: copy(ending)
        case 7 where !ending && dice(10) == 0: die()
        default: break
        }
    }

    /// Keys that another writer has changed are locked until it is over.
    private mutating func begin() {
        let locked = Set((running + committing).flatMap { $0.changes.map(\.key) })
        var writer = Writer(number: next, changes: [])
        for _ in 0...dice(2) {
            let key = dice(8)
            guard !locked.contains(key), !writer.changes.contains(where: { $0.key == key }) else { continue }
            let before = history[key]?.last?.value
            let value: [UInt64]? = before == nil ? [next] : dice(4) == 0 ? nil : before.map { $0 + [next] }
            writer.changes.append((key, value))
            history[key, default: []].append(Version(by: next, value: value, page: dice(pages)))
        }
        next += 1
        running.append(writer)
    }

    private mutating func deliver() {
        guard delivered < log.count else { return gate.nowPassed(LSN(UInt64(delivered))) }
        let one = log[delivered]
        let end = LSN(UInt64(delivered + 1))
        var admission = gate.admit(UInt32(one.number), end: end, tables: [table])
        if admission == .unseen {
            gate.see(sight.snapshot)
            admission = gate.admit(UInt32(one.number), end: end, tables: [table])
        }
        guard case .pass(let without, let noting) = admission else { return }
        if !noting.isEmpty {
            notes += one.changes.map(\.key)
        } else if without.isEmpty {
            for change in one.changes { target[change.key] = change.value.map { [$0] } }
        }
        delivered += 1
        gate.nowPassed(end)
    }

    private mutating func die() {
        let passed = gate.passed
        gate = CopyGate()
        gate.nowPassed(passed)
        if stage == .done, let current {
            gate.set(table, .done(current.snapshot, until: current.until))
        } else if let first {
            gate.set(table, .noting(first.snapshot, until: first.until))
            if !notes.isEmpty { gate.assumeNotes(table) }
            if stage == .handing { stage = .mending }
            if stage == .reading { current = nil }
        } else {
            gate.set(table, .waiting)
            stage = .waiting
        }
    }

    private mutating func copy(_ ending: Bool) {
        switch stage {
        case .waiting:
            gate.begin(table)
            stage = .starting
        case .starting:
            let now = sight
            (first, current, snapshots) = (now, now, 1)
            (notes, target, left) = ([], [:], Array(0..<pages))
            gate.set(table, .noting(now.snapshot, until: now.until))
            stage = .reading
        case .reading: read()
        case .mending: mend()
        case .handing: hand(ending)
        case .done: break
        }
    }

    private mutating func read() {
        if current == nil || dice(3) == 0 {
            current = sight
            snapshots += 1
        }
        guard let current else { return }
        let page = left.remove(at: dice(left.count))
        for key in 0..<8 {
            guard let version = seen(key, current.snapshot), version.page == page, let value = version.value else {
                continue
            }
            target[key, default: []].append(value)
        }
        if left.isEmpty { stage = .mending }
    }

    private mutating func mend() {
        guard let current, let first else { return }
        if snapshots == 1 && dice(2) == 0 {
            guard gate.holdIfUntouched(table) else { return }
            gate.set(table, .done(first.snapshot, until: first.until))
            self.current = first
            stage = .done
            return
        }
        guard gate.passed >= current.until else { return }
        if dice(2) == 0 {
            readAgain(in: sight.snapshot)
            if target.values.contains(where: { $0.count > 1 }) { hadDoubles = true }
            return
        }
        gate.set(table, .starting)
        let count = gate.notes(table)
        let last = sight
        readAgain(in: last.snapshot)
        gate.read(table, upTo: count)
        gate.set(table, .handing(last.snapshot, until: last.until))
        self.current = last
        stage = .handing
    }

    private mutating func hand(_ ending: Bool) {
        guard let current, let first else { return }
        if !ending && dice(6) == 0 {
            gate.set(table, .noting(first.snapshot, until: first.until))
            stage = .mending
        } else if gate.hasNotes(table) {
            let count = gate.notes(table)
            readAgain(in: current.snapshot)
            gate.read(table, upTo: count)
        } else if gate.passed >= current.until {
            gate.set(table, .starting)
            gate.set(table, .done(current.snapshot, until: current.until))
            stage = .done
        }
    }

    private mutating func readAgain(in snapshot: TransactionSnapshot) {
        for key in Set(notes) { target[key] = seen(key, snapshot)?.value.map { [$0] } }
        notes = []
    }
}
