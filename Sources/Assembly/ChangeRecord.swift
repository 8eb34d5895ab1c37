// How a change lies in memory and in spill files between receiving and applying: a 16-byte head, then the rows as they
// came. Written and read side by side here. The head is in host byte order; nothing of it leaves this process.

package import Bytes
package import PGOutput

package struct ChangeRecord {
    package let kind: ChangeKind
    /// Number in the shape book; for TRUNCATE the tables are in the rows.
    package let shape: Int
    package let subtransaction: UInt32
    package let rows: UnsafeRawBufferPointer

    static let headSize = 16

    static func append(
        to buffer: ByteBuffer, _ kind: ChangeKind, shape: Int, subtransaction: UInt32, rows: UnsafeRawBufferPointer
    ) {
        buffer.reserve(headSize + rows.count)
        var head = (UInt32(rows.count), UInt32(shape), subtransaction, UInt32(kind.rawValue))
        withUnsafeBytes(of: &head) { buffer.append($0) }
        buffer.append(rows)
    }

    /// The next record, or nil at the end; damaged records (a bad spill file would be caught earlier) throw.
    package static func next(_ cursor: inout ByteCursor) throws(OutOfBytes) -> ChangeRecord? {
        guard !cursor.isAtEnd else { return nil }
        let head = try cursor.take(headSize)
        let length = head.loadUnaligned(fromByteOffset: 0, as: UInt32.self)
        let shape = head.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
        let subtransaction = head.loadUnaligned(fromByteOffset: 8, as: UInt32.self)
        let letter = head.loadUnaligned(fromByteOffset: 12, as: UInt32.self)
        let rows = try cursor.take(Int(length))
        guard let kind = ChangeKind(rawValue: UInt8(truncatingIfNeeded: letter)) else {
            throw OutOfBytes(wanted: Int(letter), left: 0)
        }
        return ChangeRecord(kind: kind, shape: Int(shape), subtransaction: subtransaction, rows: rows)
    }
}

/// The tables of one TRUNCATE, by shape number, with its flags: the rows of a truncate record.
package struct TruncateRecord {
    package let shapes: [Int]
    package let cascade: Bool
    package let restartIdentity: Bool

    static func rows(_ shapes: [Int], cascade: Bool, restartIdentity: Bool) -> ByteBuffer {
        let buffer = ByteBuffer(capacity: 8 + shapes.count * 4)
        buffer.append(bigEndian: UInt8((cascade ? 1 : 0) | (restartIdentity ? 2 : 0)))
        for shape in shapes { buffer.append(bigEndian: UInt32(shape)) }
        return buffer
    }

    package init(_ rows: UnsafeRawBufferPointer) throws(OutOfBytes) {
        var cursor = ByteCursor(rows)
        let flags = try cursor.byte()
        var shapes: [Int] = []
        while !cursor.isAtEnd { shapes.append(Int(try cursor.integer(UInt32.self))) }
        self.shapes = shapes
        cascade = flags & 1 != 0
        restartIdentity = flags & 2 != 0
    }
}
