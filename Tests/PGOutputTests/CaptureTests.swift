// Streams of a real server, decoded to what was done there. `Captures/record.sh` is the other half of these tests.

import Bytes
import Testing

@testable import PGOutput

@Suite struct CaptureTests {
    private func told(_ name: String) throws -> [String] {
        var telling = Telling()
        for message in try Capture(name).messages { try telling.hear(message) }
        return telling.lines
    }

    private static let tt = "table public.tt primaryKey (id*,v,big)"
    private static let pairs = "table public.pairs primaryKey (a*,b*,m)"
    private static let bare = "table public.bare full (x*,t*)"
    private static let columnless = "table public.\"No Columns\" primaryKey ()"

    @Test func rowsAsText() throws {
        let expected: [[String]] = [
            [Self.tt, "insert tt N(1,-,)", "insert tt N(2,2,2100 bytes)"],
            ["insert tt N(9,9,2100 bytes)", "update tt N(9,10,=)", "update tt K(9,-,-)N(10,10,=)"],
            ["delete tt K(1,-,-)"],
            ["type public.mood", Self.pairs, "insert pairs N(1,one,ok)"],
            ["update pairs K(1,one,-)N(2,one,ok)"],
            [Self.bare, "insert bare N(1,2100 bytes)", "insert bare N(-,-)"],
            ["update bare O(1,2100 bytes)N(3,=)"],
            ["delete bare O(-,-)"],
            [Self.columnless, "insert No Columns N()"],
            ["message"],
            [Self.tt, Self.bare, "truncate tt,bare cascade restart"],
            ["origin elsewhere", Self.tt, "insert tt N(5,5,from elsewhere)"],
            [
                Self.tt, "type public.mood", Self.pairs, Self.bare, Self.columnless,
                "truncate tt,pairs,bare,No Columns",
            ],
        ]
        let lines = try told("rows-text")
        #expect(lines == expected.flatMap { ["begin"] + $0 + ["commit"] })
    }

    @Test func rowsInBinary() throws {
        let lines = try told("rows-binary")
        #expect(lines.contains("insert tt N(0 0 0 1,-,)"))
        #expect(lines.contains("update tt K(0 0 0 9,-,-)N(0 0 0 a,0 0 0 a,=)"))
        #expect(lines.contains("update pairs K(0 0 0 1,6f 6e 65,-)N(0 0 0 2,6f 6e 65,6f 6b)"))
        let kinds = { (lines: [String]) in lines.map { $0.prefix { $0 != "(" } } }
        #expect(kinds(lines) == kinds(try told("rows-text")))
    }

    @Test func streamedTransactions() throws {
        // How many blocks go on with a transaction, and where, is the server's affair.
        let lines = try told("streamed").filter { $0 != "stop" && (!$0.hasPrefix("block") || $0.hasSuffix("first")) }
        #expect(
            lines == [
                "block 1 first", Self.tt, "insert tt N(1,1,first) in 1",
                "begin", "type public.mood", Self.pairs, "insert pairs N(8,small,ok)", "commit",
                "block 2 first", "type public.mood", Self.pairs,
                "block 3 first", "type public.mood", Self.pairs, "insert pairs N(9,second,ok) in 3",
                "commit 3", "abort 2 2",
                "insert tt N(2,2,gone) in 4", "insert tt N(3,3,gone) in 5",
                "abort 1 5", "abort 1 4",
                "table public.tt primaryKey (id*,v,big,late)", "insert tt N(4,4,kept,4) in 6",
                "message", Self.bare, "truncate bare in 6",
                "commit 1",
            ])
    }
}
