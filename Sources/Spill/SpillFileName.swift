// How spill files are named: `<owner>.<process>.<serial>.<xid>.spill`. The owner is the stream's name with everything
// but letters, digits, `_` and `-` escaped, so a name never leaves its directory; the rest are numbers. A name is
// recognised whole or not at all: the files of stream `a` are never taken for those of `ab`.

internal import Glibc
internal import Synchronization

struct SpillFileName {
    let owner: String

    /// Tells apart the files of one process: a server that sends a transaction again gives it the same xid.
    private static let serial = Atomic<UInt64>(0)

    init(owner: String) { self.owner = Self.escaped(owner) }

    func next(xid: UInt32) -> String {
        let serial = Self.serial.add(1, ordering: .relaxed).newValue
        return "\(owner).\(getpid()).\(serial).\(xid).spill"
    }

    func matches(_ name: String) -> Bool {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0] == owner, parts[4] == "spill" else { return false }
        return parts[1...3].allSatisfy { part in
            !part.isEmpty && part.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        }
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
        return result
    }
}
