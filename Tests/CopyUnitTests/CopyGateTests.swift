// The gate against a model of the source: whatever the order of commits, of becoming visible, of snapshots and of the
// stream, each table ends with each transaction's change exactly once.

import Apply
import Model
import Testing
import Threading

@Suite struct CopyGateTests {
    private let table: UInt32 = 7

    private func snapshot(_ text: String) throws -> TransactionSnapshot { try #require(TransactionSnapshot(text)) }

    @Test func aTableThatIsNotCopiedPasses() {
        let gate = CopyGate()
        #expect(!gate.mayStop(LSN(1)))
        #expect(gate.admit(5, end: LSN(1), tables: [table]) == .pass(without: []))
    }

    @Test func aWaitingTableLeavesOutOnlyWhatIsVisible() throws {
        let gate = CopyGate()
        gate.set(table, .waiting)
        #expect(gate.mayStop(LSN(.max)))
        #expect(gate.admit(5, end: LSN(1), tables: [table]) == .unseen)
        gate.see(try snapshot("5:6:5"))
        #expect(gate.admit(5, end: LSN(1), tables: [table]) == .unseen)
        gate.see(try snapshot("6:6:"))
        #expect(gate.admit(5, end: LSN(1), tables: [table]) == .pass(without: [table]))
        #expect(gate.admit(5, end: LSN(1), tables: [1, 2]) == .pass(without: []))
    }

    @Test func everythingWaitsWhileTheSnapshotIsTaken() throws {
        let gate = CopyGate()
        gate.see(try snapshot("9:9:"))
        gate.set(table, .starting)
        #expect(gate.admit(5, end: LSN(1), tables: [table, 8]) == .hold(table))
        #expect(gate.holding?.table == table)
        gate.set(table, .copying(try snapshot("4:6:5")))
        #expect(gate.admit(4, end: LSN(1), tables: [table]) == .pass(without: [table]))
        #expect(gate.holding == nil)
        #expect(gate.admit(5, end: LSN(2), tables: [table]) == .hold(table))
    }

    @Test func aCopiedTableTakesWhatItsSnapshotLacks() throws {
        let gate = CopyGate()
        gate.set(table, .done(try snapshot("4:6:5"), until: LSN(10)))
        #expect(gate.admit(4, end: LSN(9), tables: [table]) == .pass(without: [table]))
        #expect(gate.admit(5, end: LSN(9), tables: [table]) == .pass(without: []))
        // Behind the snapshot's position the number may have come round again.
        #expect(gate.admit(4, end: LSN(11), tables: [table]) == .pass(without: []))
        #expect(gate.mayStop(LSN(10)) && !gate.mayStop(LSN(11)))
    }

    @Test func settlingWaitsForTheApplier() throws {
        let gate = CopyGate()
        #expect(!gate.settle(seconds: 0.01))
        #expect(gate.isAsking)
        gate.settled()
        #expect(!gate.isAsking)
        let applier = try Thread("applier") {
            while !gate.isAsking { StopSignal().wait(seconds: 0.001) }
            gate.settled()
        }
        #expect(gate.settle(seconds: 60))
        applier.join()
    }

    /// A source in small: transactions write, are committed to the log, become visible later; the stream delivers them in
    /// the order of the log; attempts at copying begin, fail and succeed in between.
    @Test(arguments: 0..<400)
    func neverLosesNorDoubles(seed: UInt64) throws {
        var random = SplitMix(seed)
        var world = World()
        for _ in 0..<300 { world.step(&random) }
        while !world.isFinished { world.step(&random, ending: true) }
        #expect(world.result == world.expected, "seed \(seed)")
    }

    private struct World {
        let gate = CopyGate()
        let table: UInt32 = 7
        var next: UInt64 = 100
        var running: [UInt64] = []
        /// Committed in the log, not visible yet.
        var committing: [UInt64] = []
        var visible: Set<UInt64> = []
        var log: [UInt64] = []
        var delivered = 0
        var stage = 0
        var taken: TransactionSnapshot?
        var copied: Set<UInt64> = []
        var target: [UInt64] = []

        init() { gate.set(table, .waiting) }

        var current: TransactionSnapshot {
            let open = Set(running + committing)
            return TransactionSnapshot(xmin: open.min() ?? next, xmax: next, open: open)
        }
        var isFinished: Bool { stage == 3 && running.isEmpty && committing.isEmpty && delivered == log.count }
        var expected: [UInt64] { log.sorted() }
        var result: [UInt64] { target.sorted() }

        mutating func step(_ random: inout SplitMix, ending: Bool = false) {
            switch random.next() % 7 {
            case 0 where !ending:
                running.append(next)
                next += 1
            case 1 where !running.isEmpty:
                let one = running.remove(at: Int(random.next() % UInt64(running.count)))
                log.append(one)
                committing.append(one)
            case 2 where !committing.isEmpty:
                visible.insert(committing.remove(at: Int(random.next() % UInt64(committing.count))))
            case 3, 4: deliver()
            case 5, 6: copy(&random, ending)
            default: break
            }
        }

        private mutating func deliver() {
            guard delivered < log.count else { return }
            let one = log[delivered]
            var admission = gate.admit(UInt32(one), end: LSN(UInt64(delivered + 1)), tables: [table])
            if admission == .unseen {
                gate.see(current)
                admission = gate.admit(UInt32(one), end: LSN(UInt64(delivered + 1)), tables: [table])
            }
            guard case .pass(let without, _) = admission else { return }
            if without.isEmpty { target.append(one) }
            delivered += 1
        }

        private mutating func copy(_ random: inout SplitMix, _ ending: Bool) {
            switch stage {
            case 0 where ending || random.next() % 10 == 0:
                gate.set(table, .starting)
                stage = 1
            case 1:
                let snapshot = current
                taken = snapshot
                copied = visible
                gate.set(table, .copying(snapshot))
                stage = 2
            case 2 where random.next() % 3 == 0:
                gate.set(table, .waiting)
                stage = 0
            case 2:
                guard let taken else { return }
                target += copied
                gate.set(table, .done(taken, until: LSN(UInt64(log.count))))
                stage = 3
            default: break
            }
        }
    }
}

/// A small generator of numbers, the same for the same seed.
struct SplitMix {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
