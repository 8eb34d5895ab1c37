// Every kind of message, written by hand.

import Bytes
import Model
import Testing

@testable import PGOutput

@Suite struct DecoderTests {
    static let relation = Wire().int32(77).name("app").name("t").letter("d").int16(2)
        .byte(1).name("id").int32(23).int32(0xffff_ffff).byte(0).name("n").int32(1700).int32(655366)
    static let commit = Wire().byte(0).int64(0x1_0000_0010).int64(0x1_0000_0040).int64(123)

    /// What only comes outside blocks, with what it must tell.
    static let outside: [(Wire, String)] = [
        (Wire("B").int64(0x10).int64(99).int32(7), "begin 7 0/10 99"),
        (Wire("C").adding(commit.bytes), "commit 1/10 1/40 123"),
        (Wire("S").int32(7).byte(1), "start 7 true"),
        (Wire("S").int32(7).byte(0), "start 7 false"),
        (Wire("c").int32(7).adding(commit.bytes), "commit 7 1/10 1/40 123"),
        (Wire("A").int32(7).int32(8), "abort 7 8"),
    ]

    /// What comes inside blocks, too, there with a transaction before its body.
    static let both: [(String, Wire, String)] = [
        ("R", relation, "app.t 77 primaryKey id:23:-1:true n:1700:655366:false"),
        ("Y", Wire().int32(5).name("app").name("mood"), "type 5 app.mood"),
        ("I", Wire().int32(77).letter("N").int16(1).value("x"), "insert 77 N(x)"),
        ("U", Wire().int32(77).letter("K").int16(1).value("x").letter("N").int16(1).letter("n"), "update 77 K(x)N(-)"),
        ("D", Wire().int32(77).letter("O").int16(2).letter("u").binary([1, 255]), "delete 77 O(=,1 ff)"),
        ("T", Wire().int32(2).byte(3).int32(77).int32(78), "truncate [77, 78] true true"),
        ("T", Wire().int32(0).byte(0), "truncate [] false false"),
    ]

    private func tell(_ message: Message) throws -> String {
        func tell(_ commit: CommitMessage) -> String { "\(commit.position) \(commit.end) \(commit.time.microseconds)" }
        switch message {
        case .begin(let xid, let final, let time): return "begin \(xid) \(final) \(time.microseconds)"
        case .commit(let commit): return "commit \(tell(commit))"
        case .origin(let name): return "origin \(name)"
        case .relation(let relation):
            let columns = relation.columns.map { "\($0.name):\($0.type):\($0.modifier):\($0.isKey)" }
            return "\(relation.name) \(relation.oid) \(relation.identity) " + columns.joined(separator: " ")
        case .type(let oid, let name): return "type \(oid) \(name)"
        case .change(let kind, let xid, let relation, let rows):
            var pair = RowPair()
            try pair.read(rows)
            return "\(kind) \(relation) \(pair.words)" + (xid == 0 ? "" : " in \(xid)")
        case .truncate(let xid, let truncate):
            return "truncate \(truncate.relations) \(truncate.cascade) \(truncate.restartIdentity)"
                + (xid == 0 ? "" : " in \(xid)")
        case .logicalMessage: return "message"
        case .streamStart(let xid, let first): return "start \(xid) \(first)"
        case .streamStop: return "stop"
        case .streamCommit(let xid, let commit): return "commit \(xid) \(tell(commit))"
        case .streamAbort(let xid, let sub): return "abort \(xid) \(sub)"
        }
    }

    private func told(_ wire: Wire, insideBlock: Bool = false) throws -> String {
        var decoder = Decoder()
        if insideBlock { try decoder.decode(Wire("S").int32(7).byte(1)) { _ in } }
        return try decoder.decode(wire, tell)
    }

    @Test func everyMessageOutsideBlocks() throws {
        for (wire, expected) in Self.outside { #expect(try told(wire) == expected) }
        for (letter, body, expected) in Self.both {
            #expect(try told(Wire().letter(letter).adding(body.bytes)) == expected)
        }
        #expect(try told(Wire("O").int64(0).name("elsewhere")) == "origin elsewhere")
        #expect(try told(Wire("M").byte(1).int64(0).name("p").int32(1).byte(0)) == "message")
    }

    @Test func everyMessageInsideABlock() throws {
        for (letter, body, expected) in Self.both {
            let wire = Wire().letter(letter).int32(9).adding(body.bytes)
            let told = try told(wire, insideBlock: true)
            #expect(told == expected || told == expected + " in 9")
        }
        #expect(try told(Wire("O").int64(0).name("elsewhere"), insideBlock: true) == "origin elsewhere")
        #expect(try told("E", insideBlock: true) == "stop")
    }

    @Test func anAbortOfProtocolFourSaysWhereAndWhen() throws {
        #expect(try told(Wire("A").int32(7).int32(8).int64(0x10).int64(99)) == "abort 7 8")
    }

    @Test func aTypeWithoutSchemaIsBuiltIn() throws {
        #expect(try told(Wire("Y").int32(5).name("").name("json")) == "type 5 pg_catalog.json")
    }

    @Test func theDecoderKnowsWhoseBlockIsOpen() throws {
        var decoder = Decoder()
        #expect(decoder.streaming == nil)
        try decoder.decode(Wire("S").int32(7).byte(1)) { _ in }
        #expect(decoder.streaming == 7)
        #expect(throws: DecodeError.self) { try decoder.decode(Wire("S").int32(8).byte(1)) { _ in } }
        try decoder.decode("E") { _ in }
        #expect(decoder.streaming == nil)
        #expect(throws: DecodeError.self) { try decoder.decode("E") { _ in } }
        #expect(throws: DecodeError.self) { try decoder.decode(Wire("S").int32(7)) { _ in } }
        #expect(decoder.streaming == nil)
    }
}
