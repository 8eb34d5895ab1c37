// Random streams against a model that keeps every open transaction as a list.

import Bytes
import Model
import Testing

@testable import Assembly

@Suite struct AssemblyPropertyTests {
    /// What the source did, told twice: as messages, and as the rows that must arrive.
    private struct Script {
        var random: SplitMix
        var open: [UInt32: [(sub: UInt32, text: String)]] = [:]
        var rolledBack: Set<UInt32> = []
        var expected: [String] = []
        var xid: UInt32 = 100
        var end: UInt64 = 0
        var row = 0

        private mutating func fresh() -> String {
            row += 1
            return "\(row)"
                + String(repeating: "x", count: Int.random(in: 0..<(row % 10 == 0 ? 3000 : 30), using: &random))
        }

        private mutating func commit(_ xid: UInt32, _ rows: [String]) -> UInt64 {
            end += 1
            if !rows.isEmpty { expected.append("\(xid)@\(end): " + rows.joined(separator: " ")) }
            return end
        }

        mutating func step() -> [Sent] {
            let someone = open.keys.sorted().randomElement(using: &random)
            switch (Int.random(in: 0..<10, using: &random), someone) {
            case (0, _), (1, _): return ordinary()
            case (2, _), (_, nil): return block(nil)
            case (3, let xid?): return [.commit(streamed: xid, commitStreamed(xid))]
            case (4, let xid?):
                open[xid] = nil
                return [.abort(xid)]
            case (5, let xid?):
                guard let sub = open[xid]?.map(\.sub).filter({ $0 != xid }).randomElement(using: &random) else {
                    return []
                }
                rolledBack.insert(sub)
                return [.abort(xid, sub)]
            case (_, let xid?): return block(xid)
            }
        }

        mutating func commitStreamed(_ xid: UInt32) -> UInt64 {
            let rows = open.removeValue(forKey: xid) ?? []
            // A transaction of which everything was rolled back arrives without rows.
            let left = rows.filter { !rolledBack.contains($0.sub) }.map(\.text)
            if !rows.isEmpty && left.isEmpty {
                end += 1
                expected.append("\(xid)@\(end): ")
                return end
            }
            return commit(xid, left)
        }

        private mutating func ordinary() -> [Sent] {
            xid += 1
            let rows = (0..<Int.random(in: 0..<6, using: &random)).map { _ in fresh() }
            return [.begin(xid), .table()] + rows.map { .insert($0) } + [.commit(commit(xid, rows))]
        }

        private mutating func block(_ known: UInt32?) -> [Sent] {
            xid += 1
            let top = known ?? xid
            var messages: [Sent] = [.block(top, first: known == nil), .table(in: top)]
            var sub = top
            for _ in 0..<Int.random(in: 0..<8, using: &random) {
                if Int.random(in: 0..<3, using: &random) == 0 {
                    xid += 1
                    sub = xid
                }
                let text = fresh()
                open[top, default: []].append((sub, text))
                messages.append(.insert(text, in: sub))
            }
            if open[top] == nil { open[top] = [] }
            return messages + [.stop]
        }
    }

    @Test func whatIsCommittedArrivesOnceInOrder() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("AssemblyPropertyTests: seed \(seed)")
        var seeds = SplitMix(seed: seed)
        for _ in 0..<60 {
            var script = Script(random: SplitMix(seed: seeds.next()))
            let desk = try Desk(memory: 6000, small: 500)
            var arrived: [String] = []
            for step in 0..<150 {
                for message in script.step() {
                    try desk.take(message)
                    try desk.assembler.makeRoom()
                    #expect(desk.assembler.openMemory <= 6000)
                    if step % 7 == 0 { arrived += try desk.ready() }
                }
            }
            for xid in script.open.keys.sorted() { try desk.take(.commit(streamed: xid, script.commitStreamed(xid))) }
            arrived += try desk.ready()
            #expect(arrived == script.expected, "seed \(seed)")
            #expect(desk.assembler.openMemory == 0 && desk.assembler.openTransactions == 0)
            #expect(desk.assembler.delivered.raw == script.end)
            #expect(try desk.spillFiles == 0)
        }
    }
}

/// Random choices that repeat themselves with their seed.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// Text that hardly compresses.
    mutating func text(_ count: Int) -> String {
        String(decoding: (0..<count).map { _ in UInt8.random(in: 0x21...0x7e, using: &self) }, as: UTF8.self)
    }
}
