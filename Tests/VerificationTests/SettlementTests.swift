// When a row that did not agree is called different, and when it never is.

import Model
import Testing

@testable import Verification

@Suite struct SettlementTests {
    private let key = ["1"]

    private func snapshot(_ xmax: UInt64, open: Set<UInt64> = []) -> TransactionSnapshot {
        TransactionSnapshot(xmin: open.min() ?? xmax, xmax: xmax, open: open)
    }

    private func row(_ version: String, _ hash: Int64) -> RowState {
        var state = RowState()
        state.add(version: version, hash: hash)
        return state
    }

    private func run(_ rounds: [(TransactionSnapshot, old: RowState?, new: RowState?)]) -> Settlement {
        var settlement = Settlement([key])
        for (snapshot, old, new) in rounds {
            settlement.note(snapshot, old: old.map { [key: $0] } ?? [:], new: new.map { [key: $0] } ?? [:])
        }
        return settlement
    }

    @Test func standingStillOnBothSidesIsProof() {
        let done = run([
            (snapshot(10), row("a", 1), row("x", 2)), (snapshot(10), row("a", 1), row("x", 2)),
        ])
        #expect(done.differences == [.init(key: key, old: [1], new: [2])])
        #expect(done.open.isEmpty)
    }

    @Test func oneReadingProvesNothing() {
        #expect(run([(snapshot(10), row("a", 1), row("x", 2))]).open == [key])
    }

    /// Its commit is in the log, and applied, but other sessions of old do not see it yet.
    @Test func whoIsStillOpenMayHaveCommitted() {
        let hidden = snapshot(10, open: [9])
        let rounds = [
            (hidden, old: row("a", 1), new: row("x", 2)), (hidden, old: row("a", 1), new: row("x", 2)),
            (hidden, old: row("a", 1), new: row("x", 2)), (hidden, old: row("a", 1), new: row("x", 2)),
        ]
        #expect(run(rounds).open == [key])
        let seen = run(rounds + [(snapshot(11), old: row("b", 2), new: row("x", 2))])
        #expect(seen.differences.isEmpty && seen.equal == 1)
        let over = run(rounds + [(snapshot(11, open: [10]), old: row("a", 1), new: row("x", 2))])
        #expect(over.differences.count == 1)
    }

    @Test(arguments: [("a", "b", "x", "x"), ("a", "a", "x", "y")])
    func aVersionThatChangedBeginsAgain(_ old1: String, _ old2: String, _ new1: String, _ new2: String) {
        let done = run([
            (snapshot(10), row(old1, 1), row(new1, 2)), (snapshot(10), row(old2, 1), row(new2, 2)),
        ])
        #expect(done.open == [key])
    }

    /// New was ahead of what old's snapshot showed.
    @Test func newShowedWhatOldShowsNow() {
        let done = run([
            (snapshot(10), row("a", 1), row("x", 2)), (snapshot(11), row("b", 2), row("y", 3)),
        ])
        #expect(done.open.isEmpty && done.differences.isEmpty)
    }

    @Test func missingExtraAndDoubled() {
        let twice = [
            (snapshot(10), old: row("a", 1), new: nil as RowState?), (snapshot(10), old: row("a", 1), new: nil),
        ]
        #expect(run(twice).differences == [.init(key: key, old: [1], new: [])])
        let extra = [
            (snapshot(10), old: nil as RowState?, new: row("x", 1)), (snapshot(10), old: nil, new: row("x", 1)),
        ]
        #expect(run(extra).differences == [.init(key: key, old: [], new: [1])])
        var double = row("x", 1)
        double.add(version: "y", hash: 1)
        let doubled = [(snapshot(10), old: row("a", 1), new: double), (snapshot(10), old: row("a", 1), new: double)]
        #expect(run(doubled).differences == [.init(key: key, old: [1], new: [1, 1])])
    }

    /// Random histories of one row, applied in order with any delay and read at any moment, committed ones seen late: never
    /// called different. The same with a change that new lost: called different once everybody stands still.
    @Test(arguments: 0..<300)
    func randomHistories(_ seed: Int) {
        var random = SplitMix(seed: UInt64(seed) &+ 77)
        var world = RowWorld(lost: nil)
        var settlement = Settlement([key])
        for _ in 0..<60 { world.live(&random, &settlement, key) }
        #expect(settlement.differences.isEmpty, "seed \(seed)")

        var faulty = RowWorld(lost: 3)
        settlement = Settlement([key])
        while faulty.commits < 4 || !faulty.isAllSeen { faulty.live(&random, nil, key) }
        faulty.isOver = true
        for _ in 0..<40 { faulty.live(&random, &settlement, key) }
        #expect(settlement.differences.count == 1, "seed \(seed)")
    }
}

/// One row on old, a stream that applies its commits in order, and sessions that see a commit only some time after it is in
/// the log.
private struct RowWorld {
    /// The commit that new never gets.
    let lost: Int?
    var isOver = false
    var isAllSeen: Bool { history.allSatisfy(\.visible) }
    private(set) var commits = 0
    /// Value after each commit; nil: no row. A version is the number of its commit.
    private var history: [(value: Int64?, visible: Bool)] = [(1, true)]
    private var applied = 0
    private var onNew: (value: Int64?, version: Int) = (1, 0)

    init(lost: Int?) { self.lost = lost }

    mutating func live(_ random: inout SplitMix, _ settlement: inout Settlement, _ key: [String]) {
        step(&random)
        var given: Settlement? = settlement
        read(&random, &given, key)
        settlement = given ?? settlement
    }

    mutating func live(_ random: inout SplitMix, _: Settlement?, _ key: [String]) { step(&random) }

    private mutating func step(_ random: inout SplitMix) {
        for _ in 0..<random.below(4) {
            switch random.below(4) {
            case 0 where !isOver:
                commits += 1
                // The lost one leaves a value that nothing else has.
                let value: Int64? =
                    commits == lost ? 99 : lost == nil && random.below(4) == 0 ? nil : Int64(random.below(3))
                guard lost.map({ commits <= $0 }) ?? true else { continue }
                history.append((value, false))
            case 1: if let next = history.firstIndex(where: { !$0.visible }) { history[next].visible = true }
            default: apply()
            }
        }
    }

    private mutating func apply() {
        guard applied + 1 < history.count else { return }
        applied += 1
        if applied != lost { onNew = (history[applied].value, applied) }
    }

    private mutating func read(_ random: inout SplitMix, _ settlement: inout Settlement?, _ key: [String]) {
        let seen = history.lastIndex { $0.visible } ?? 0
        let open = Set(history.indices.filter { !history[$0].visible }.map { UInt64($0 + 100) })
        let xmax = UInt64(history.count + 100)
        let snapshot = TransactionSnapshot(xmin: open.min() ?? xmax, xmax: xmax, open: open)
        let old = state(history[seen].value, "o\(seen)")
        // New holds at least what the snapshot showed, and perhaps more.
        while applied < seen { apply() }
        for _ in 0..<random.below(3) { apply() }
        settlement?.note(snapshot, old: [key: old], new: [key: state(onNew.value, "n\(onNew.version)")])
    }

    private func state(_ value: Int64?, _ version: String) -> RowState {
        var state = RowState()
        if let value { state.add(version: version, hash: value) }
        return state
    }
}

struct SplitMix {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func below(_ limit: Int) -> Int {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return Int((z ^ (z >> 31)) % UInt64(limit))
    }
}
