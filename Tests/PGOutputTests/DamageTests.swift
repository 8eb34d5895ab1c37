// Messages that are cut, exaggerate, or were changed on the way: an error or a message, never a crash, and no memory
// for what was only announced.

import Bytes
import Testing

@testable import PGOutput

@Suite struct DamageTests {
    /// Decodes a message and its rows.
    private func read(_ bytes: [UInt8], _ decoder: inout Decoder, _ pair: inout RowPair) throws {
        try bytes.withUnsafeBytes { bytes in
            if case .change(_, _, _, let rows) = try decoder.decode(bytes) { try pair.read(rows) }
        }
    }

    /// A cut in front of the rows or between them leaves a change without its row, which is for those to refuse who know
    /// what the change needs; every other cut is found here.
    private func cuts(_ message: [UInt8], insideBlock: Bool) throws {
        for length in 0..<message.count {
            var decoder = Decoder()
            if insideBlock { try decoder.decode(Wire("S").int32(7).byte(1)) { _ in } }
            var pair = RowPair()
            let cut = Array(message[..<length])
            do {
                try read(cut, &decoder, &pair)
                let letter = String(UnicodeScalar(message[0]))
                #expect(letter == "M" || ("IUD".contains(letter) && pair.newStart == nil), "\(letter) cut to \(length)")
            } catch is DecodeError {
                continue
            }
        }
    }

    @Test func everyMessageCutEverywhere() throws {
        for (wire, _) in DecoderTests.outside { try cuts(wire.bytes, insideBlock: false) }
        for (letter, body, _) in DecoderTests.both {
            try cuts(Wire().letter(letter).adding(body.bytes).bytes, insideBlock: false)
            try cuts(Wire().letter(letter).int32(9).adding(body.bytes).bytes, insideBlock: true)
        }
    }

    @Test func unknownKinds() {
        let known = Set("BCORYMSEcAIUDT".utf8)
        for kind in UInt8.min...UInt8.max where !known.contains(kind) {
            var decoder = Decoder()
            let error = #expect(throws: DecodeError.self) {
                try decoder.decode(Wire().byte(kind).adding(Array(repeating: 0, count: 64))) { _ in }
            }
            #expect(error?.message == kind)
        }
    }

    @Test func anErrorNamesTheMessageAndShowsNoData() throws {
        var decoder = Decoder()
        let error = try #require(
            throws: DecodeError.self, performing: { try decoder.decode(Wire("R").int32(5).name("secret")) { _ in } })
        #expect("\(error)".contains("'R'") && !"\(error)".contains("secret"))
        let unknown = try #require(
            throws: DecodeError.self, performing: { try decoder.decode(Wire().byte(7)) { _ in } })
        #expect("\(unknown)".contains("0x7"))
    }

    /// Each announces far more than it has; believing one would take gigabytes or hours.
    @Test(arguments: [
        Wire("T").int32(0x7fff_ffff).byte(0), Wire("T").int32(0xffff_ffff).byte(0), Wire("T").int32(2).byte(0).int32(1),
        Wire("R").int32(1).name("s").name("t").letter("d").int16(32767),
        Wire("R").int32(1).name("s").name("t").letter("d").int16(-1),
        Wire("R").int32(1).name("s").name("t").letter("x").int16(0), Wire("R").int32(1).name("s").letter("no end"),
    ])
    func exaggerations(_ wire: Wire) {
        var decoder = Decoder()
        #expect(throws: DecodeError.self) { try decoder.decode(wire) { _ in } }
    }

    @Test(arguments: Capture.all)
    func changedBytes(_ name: String) throws {
        let seed = UInt64.random(in: .min ... .max)
        print("DamageTests.changedBytes \(name): seed \(seed)")
        var random = SplitMix(seed: seed)
        let messages = try Capture(name).messages
        for _ in 0..<200 {
            var decoder = Decoder()
            var pair = RowPair()
            for var message in messages {
                if Int.random(in: 0..<4, using: &random) == 0 { random.damage(&message) }
                do { try read(message, &decoder, &pair) } catch is DecodeError { continue }
            }
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

    mutating func damage(_ message: inout [UInt8]) {
        // Mostly near the beginning, where counts and letters are.
        let reach = Bool.random(using: &self) ? min(message.count, 24) : message.count
        let place = Int.random(in: 0..<reach, using: &self)
        switch Int.random(in: 0..<4, using: &self) {
        case 0: message.removeSubrange(place...)
        case 1: message[place] ^= 1 << UInt8.random(in: 0..<8, using: &self)
        case 2: message[place] = [0, 0x7f, 0x80, 0xff, 0x4e, 0x74].randomElement(using: &self) ?? 0
        default: message.insert(UInt8.random(in: .min ... .max, using: &self), at: place)
        }
    }
}
