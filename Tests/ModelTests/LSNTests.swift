// Positions as PostgreSQL writes them, read back; and everything that only looks like one.

import Model
import Testing

@Suite struct LSNTests {
    @Test(arguments: [
        ("0/0", 0), ("0/1", 1), ("16/B374D848", 0x16_b374_d848), ("ffffffff/FFFFFFFF", UInt64.max),
        ("1/0", 0x1_0000_0000), ("00000001/0000000a", 0x1_0000_000a),
    ])
    func reads(text: String, raw: UInt64) {
        #expect(LSN(text) == LSN(raw))
    }

    @Test(arguments: [
        "", "/", "0", "0/", "/0", "0/0/0", "0//0", "g/0", "0/g", " 0/0", "0/0 ", "0 /0", "0x1/0", "-1/0", "1/-1",
        "+1/0", "1/+2", "-0/-0",
        "100000000/0", "0/100000000", "000000001/0", "0/0\n", "0/0\u{0}", "٣/0", "0⁄0", "0/é", "1_0/0", "0.0",
    ])
    func refuses(text: String) {
        #expect(LSN(text) == nil)
    }

    @Test func printsWhatItReads() {
        for raw: UInt64 in [0, 1, 0xffff_ffff, 0x1_0000_0000, 0xab_cdef_0123, UInt64.max] {
            #expect(LSN(LSN(raw).description) == LSN(raw))
        }
        #expect(LSN(0x16_b374_d848).description == "16/B374D848")
        #expect(LSN(0xa_0000_000b).description == "A/B")
        #expect(LSN.zero.description == "0/0")
    }

    @Test func ordersByTheWholeNumber() throws {
        let texts = ["0/0", "0/1", "0/FFFFFFFF", "1/0", "2/1", "10/0", "FFFFFFFF/0"]
        let positions = try texts.map { try #require(LSN($0)) }
        #expect(positions.shuffled().sorted() == positions)
    }

    @Test func countsBytesOnlyForwards() {
        #expect(LSN(300).bytes(since: LSN(100)) == 200)
        #expect(LSN(100).bytes(since: LSN(100)) == 0)
        #expect(LSN(100).bytes(since: LSN(300)) == 0)
        #expect(LSN(.max).bytes(since: .zero) == .max)
    }
}
