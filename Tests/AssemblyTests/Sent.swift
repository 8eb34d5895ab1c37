// Messages of a source, written by hand. `xid` stands in what is sent inside a block of a streamed transaction.

struct Sent {
    let bytes: [UInt8]

    private init(_ parts: [UInt8]...) { bytes = parts.flatMap { $0 } }

    private static func number<I: FixedWidthInteger>(_ value: I) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }
    private static func letter(_ text: String) -> [UInt8] { Array(text.utf8) }
    private static func name(_ text: String) -> [UInt8] { Array(text.utf8) + [0] }
    private static func inside(_ xid: UInt32?) -> [UInt8] { xid.map { number($0) } ?? [] }
    private static func ended(_ end: UInt64) -> [UInt8] { [0] + number(end - 1) + number(end) + number(0 as Int64) }

    static func begin(_ xid: UInt32) -> Sent {
        Sent(letter("B"), number(0 as UInt64), number(0 as UInt64), number(xid))
    }
    static func commit(_ end: UInt64) -> Sent { Sent(letter("C"), ended(end)) }
    static func origin(_ text: String) -> Sent { Sent(letter("O"), number(0 as UInt64), name(text)) }
    static var logicalMessage: Sent { Sent(letter("M"), [1], number(0 as UInt64), name("p"), number(0 as UInt32)) }

    static func table(
        _ oid: UInt32 = 1, _ text: String = "t", columns: [String] = ["id"], in xid: UInt32? = nil
    ) -> Sent {
        Sent(
            letter("R"), inside(xid), number(oid), name("public"), name(text), letter("d"),
            number(Int16(columns.count)),
            columns.flatMap { [1] + name($0) + number(23 as UInt32) + number(-1 as Int32) })
    }

    static func type(_ oid: UInt32, _ text: String, in xid: UInt32? = nil) -> Sent {
        Sent(letter("Y"), inside(xid), number(oid), name("public"), name(text))
    }

    static func insert(_ value: String, into oid: UInt32 = 1, in xid: UInt32? = nil) -> Sent {
        Sent(
            letter("I"), inside(xid), number(oid), letter("N"), number(1 as Int16), letter("t"),
            number(UInt32(value.utf8.count)), letter(value))
    }

    static func truncate(_ oids: [UInt32], flags: UInt8 = 0, in xid: UInt32? = nil) -> Sent {
        Sent(letter("T"), inside(xid), number(UInt32(oids.count)), [flags], oids.flatMap { number($0) })
    }

    static func block(_ xid: UInt32, first: Bool = false) -> Sent { Sent(letter("S"), number(xid), [first ? 1 : 0]) }
    static var stop: Sent { Sent(letter("E")) }
    static func commit(streamed xid: UInt32, _ end: UInt64) -> Sent { Sent(letter("c"), number(xid), ended(end)) }
    static func abort(_ xid: UInt32, _ sub: UInt32? = nil) -> Sent {
        Sent(letter("A"), number(xid), number(sub ?? xid))
    }
}
