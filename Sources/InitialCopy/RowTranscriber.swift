// Rows in the binary form of PostgreSQL's `record_send`, cut into pieces anywhere, into what COPY … FROM STDIN takes, in binary
// or as text. Nothing of a value is kept: what comes goes on at once. Pure.

internal import Bytes
internal import Postgres

struct RowTranscriber {
    private enum Place { case columns, type, length, value }

    private let isBinary: Bool
    /// Whole ones.
    private(set) var rows = 0
    private var place = Place.columns
    /// Four bytes that say what comes, as far as they are here.
    private var word: UInt32 = 0
    private var wordBytes = 0
    /// Columns of the row at hand, and bytes of the value, that are still to come.
    private var columns = 0
    private var left = 0
    private var isFirst = true

    init(isBinary: Bool) { self.isBinary = isBinary }

    func begin(into out: ByteBuffer) {
        guard isBinary else { return }
        out.append(text: "PGCOPY\n")
        for byte: UInt8 in [0xFF, 0x0D, 0x0A, 0x00] { out.append(bigEndian: byte) }
        out.append(bigEndian: UInt64(0))
    }

    func end(into out: ByteBuffer) throws(PostgresError) {
        guard place == .columns, wordBytes == 0 else { throw malformed }
        if isBinary { out.append(bigEndian: Int16(-1)) }
    }

    mutating func take(_ bytes: UnsafeRawBufferPointer, into out: ByteBuffer) throws(PostgresError) {
        var at = 0
        while at < bytes.count {
            if place == .value {
                let count = min(left, bytes.count - at)
                put(UnsafeRawBufferPointer(rebasing: bytes[at..<at + count]), out)
                at += count
                left -= count
                if left == 0 { endColumn(out) }
                continue
            }
            word = word << 8 | UInt32(bytes[at])
            at += 1
            wordBytes += 1
            guard wordBytes == 4 else { continue }
            try read(Int32(bitPattern: word), out)
            (word, wordBytes) = (0, 0)
        }
    }

    private mutating func read(_ number: Int32, _ out: ByteBuffer) throws(PostgresError) {
        switch place {
        case .columns:
            guard 1...1664 ~= number else { throw malformed }
            columns = Int(number)
            isFirst = true
            if isBinary { out.append(bigEndian: Int16(number)) }
            place = .type
        case .type: place = .length
        case .length:
            guard number >= -1 else { throw malformed }
            if isBinary {
                out.append(bigEndian: number)
            } else {
                if !isFirst { out.append(text: "\t") }
                if number == -1 { out.append(text: "\\N") }
            }
            isFirst = false
            left = Int(max(0, number))
            if left == 0 { endColumn(out) } else { place = .value }
        case .value: throw malformed
        }
    }

    private mutating func endColumn(_ out: ByteBuffer) {
        columns -= 1
        place = columns == 0 ? .columns : .type
        guard columns == 0 else { return }
        rows += 1
        if !isBinary { out.append(text: "\n") }
    }

    private func put(_ value: UnsafeRawBufferPointer, _ out: ByteBuffer) {
        if isBinary { out.append(value) } else { escape(value, out) }
    }

    /// What means something to COPY is written otherwise. Both encodings that sessions have leave these bytes to ASCII.
    private func escape(_ value: UnsafeRawBufferPointer, _ out: ByteBuffer) {
        guard var from = value.baseAddress else { return }
        let end = from + value.count
        withUnsafeTemporaryAllocation(byteCount: 2 * Self.stretch, alignment: 1) { written in
            guard let start = written.baseAddress else { return }
            while from < end {
                let next = from + min(Self.stretch, end - from)
                var to = start
                while from < next {
                    let byte = from.load(as: UInt8.self)
                    from += 1
                    let letter = byte == 0x5C ? byte : byte > 0x0D ? 0 : Self.letter(byte)
                    if letter != 0 {
                        to.storeBytes(of: 0x5C, as: UInt8.self)
                        to += 1
                    }
                    to.storeBytes(of: letter == 0 ? byte : letter, as: UInt8.self)
                    to += 1
                }
                out.append(start, to - start)
            }
        }
    }

    private static let stretch = 4096

    private static func letter(_ byte: UInt8) -> UInt8 {
        switch byte {
        case 0x09: UInt8(ascii: "t")
        case 0x0A: UInt8(ascii: "n")
        case 0x0D: UInt8(ascii: "r")
        default: 0
        }
    }

    private var malformed: PostgresError {
        PostgresError(.unexpected, "a row in a form that record_send does not make", doing: "reading a wide row")
    }
}
