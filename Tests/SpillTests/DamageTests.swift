// Files that are not what was written: cut, flipped, swapped, stale. Reading refuses, naming the file, and has handed
// out nothing but whole, right blocks before.

import Foundation
import Testing

@testable import Spill

@Suite struct DamageTests {
    private let scratch: Scratch
    private let directory: SpillDirectory
    private let blocks: [[UInt8]]
    private let file: SpillFile

    init() throws {
        scratch = try Scratch()
        directory = try scratch.directory()
        var random = SeededRandom(seed: 3)
        blocks = [Array("hello hello hello hello hello".utf8), [], random.bytes(60), random.bytes(60)]
        file = try directory.makeFile(xid: 7)
        for block in blocks { try file.append(block) }
    }

    @Test func everyFlippedBitIsFoundOut() throws {
        let whole = try file.stored
        for place in whole.indices {
            for bit in 0..<8 {
                var damaged = whole
                damaged[place] ^= 1 << bit
                try file.damage(damaged)
                #expect(outcome(of: file, expecting: blocks) != .different, "byte \(place), bit \(bit)")
                let apart = outcomes(ofBlocksIn: file, expecting: blocks)
                #expect(!apart.contains(.different), "byte \(place), bit \(bit)")
                #expect(apart.count { $0 == .refused } <= 1, "byte \(place), bit \(bit)")
            }
        }
        try file.damage(whole)
        #expect(outcome(of: file, expecting: blocks) == .identical)
    }

    /// Nothing in the format is free to change: no flipped bit goes unseen.
    @Test func noBitIsWithoutMeaning() throws {
        let whole = try file.stored
        var unseen: [Int] = []
        for place in whole.indices {
            var damaged = whole
            damaged[place] ^= 0x10
            try file.damage(damaged)
            if outcome(of: file, expecting: blocks) != .refused { unseen.append(place) }
        }
        #expect(unseen == [])
    }

    @Test func everyTruncationIsFoundOut() throws {
        let whole = try file.stored
        for length in 0..<whole.count {
            try file.damage(Array(whole[..<length]))
            #expect(outcome(of: file, expecting: blocks) == .refused, "\(length) bytes left")
        }
    }

    @Test func aCutBetweenBlocksIsFoundOut() throws {
        let whole = try file.stored
        for record in file.records.dropLast() {
            try file.damage(Array(whole[..<record.end]))
            #expect(outcome(of: file, expecting: blocks) == .refused)
        }
        try file.damage(Array(whole[..<file.records[file.blocks].offset]))
        let apart = outcomes(ofBlocksIn: file, expecting: blocks)
        #expect(apart == [.identical, .identical, .identical, .refused])
    }

    @Test func anEmptyFileIsFoundOutEvenWithoutBlocks() throws {
        let empty = try directory.makeFile(xid: 8)
        #expect(outcome(of: empty, expecting: []) == .identical)
        try empty.damage([])
        #expect(outcome(of: empty, expecting: []) == .refused)
    }

    @Test func whatFollowsTheLastBlockIsNotRead() throws {
        try file.damage(try file.stored + [1, 2, 3])
        #expect(outcome(of: file, expecting: blocks) == .identical)
    }

    @Test func swappedFilesAreFoundOut() throws {
        let other = try directory.makeFile(xid: 8)
        for block in blocks { try other.append(block) }
        let (first, second) = (try file.stored, try other.stored)
        #expect(first.count == second.count)
        try file.damage(second)
        try other.damage(first)
        #expect(outcome(of: file, expecting: blocks) == .refused)
        #expect(outcome(of: other, expecting: blocks) == .refused)
        #expect(outcomes(ofBlocksIn: file, expecting: blocks).allSatisfy { $0 == .refused })
    }

    @Test func aStaleFileOfTheSameTransactionIsFoundOut() throws {
        let again = try directory.makeFile(xid: 7)
        for block in blocks { try again.append(block) }
        let stale = try file.stored
        #expect(try again.stored.count == stale.count)
        try again.damage(stale)
        #expect(outcome(of: again, expecting: blocks) == .refused)
        #expect(outcomes(ofBlocksIn: again, expecting: blocks).allSatisfy { $0 == .refused })
    }

    @Test func aFileOfAnotherServerOrSlotIsFoundOut() throws {
        let elsewhere = try SpillDirectory(
            path: scratch.path + "/other", limit: 1, owner: "o", systemIdentifier: 43, slot: "a slot")
        let (ours, other) = (try directory.makeFile(xid: 7), try elsewhere.makeFile(xid: 7))
        #expect(ours.bytesOnDisk == other.bytesOnDisk)
        try ours.damage(try other.stored)
        #expect(outcome(of: ours, expecting: []) == .refused)
    }

    @Test func blocksThatChangedPlacesAreFoundOut() throws {
        let whole = try file.stored
        let (third, fourth) = (file.records[3], file.records[4])
        #expect(third.frame == fourth.frame)
        let swapped =
            whole[..<third.offset] + whole[fourth.offset..<fourth.end] + whole[third.offset..<third.end]
        try file.damage(Array(swapped))
        #expect(outcome(of: file, expecting: blocks) == .refused)
        let apart = outcomes(ofBlocksIn: file, expecting: blocks)
        #expect(apart == [.identical, .identical, .refused, .refused])
    }

    @Test func anOlderBlockInItsPlaceIsFoundOut() throws {
        let whole = try file.stored
        let (third, fourth) = (file.records[3], file.records[4])
        try file.damage(Array(whole[..<fourth.offset] + whole[third.offset..<third.end]))
        #expect(outcome(of: file, expecting: blocks) == .refused)
    }

    @Test func randomDamageNeverGivesOtherContent() throws {
        let seed =
            ProcessInfo.processInfo.environment["TANDEM_TEST_SEED"].flatMap { UInt64($0) }
            ?? UInt64.random(in: .min ... .max)
        print("SpillTests damage seed: \(seed)")
        var random = SeededRandom(seed: seed)
        let whole = try file.stored
        let end = Date(timeIntervalSinceNow: 3)
        for round in 0..<5_000 where Date() < end {
            var damaged = whole
            for _ in 0...Int.random(in: 0...3, using: &random) { mutate(&damaged, &random) }
            try file.damage(damaged)
            #expect(outcome(of: file, expecting: blocks) != .different, "seed \(seed), round \(round)")
            let apart = outcomes(ofBlocksIn: file, expecting: blocks)
            #expect(!apart.contains(.different), "seed \(seed), round \(round)")
        }
    }

    private func mutate(_ bytes: inout [UInt8], _ random: inout SeededRandom) {
        guard !bytes.isEmpty else { return }
        let place = Int.random(in: bytes.indices, using: &random)
        let length = Int.random(in: 1...min(16, bytes.count - place), using: &random)
        let other = Int.random(in: 0...(bytes.count - length), using: &random)
        switch Int.random(in: 0..<7, using: &random) {
        case 0: bytes[place] = UInt8.random(in: .min ... .max, using: &random)
        case 1: bytes.replaceSubrange(place..<(place + length), with: random.bytes(length))
        case 2: bytes.replaceSubrange(place..<(place + length), with: [UInt8](repeating: 0, count: length))
        case 3: bytes.replaceSubrange(place..<(place + length), with: [UInt8](repeating: 255, count: length))
        case 4: bytes.replaceSubrange(place..<(place + length), with: Array(bytes[other..<(other + length)]))
        case 5: bytes.removeSubrange(place..<(place + length))
        default: bytes.insert(contentsOf: random.bytes(length), at: place)
        }
    }
}
