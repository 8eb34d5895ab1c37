// What the frames of a spill file say about themselves, so that a swapped, stale or misplaced one is never taken for
// the right one. Big-endian, checksummed like everything else because they stand inside the frames.
//
//     file    magic:8 version:4 xid:4 system:8 incarnation:8 slot length:4 slot
//     block   incarnation:8 xid:4 sequence:4 payload length:8

internal import Bytes

struct SpillFileHeader {
    static let magic: StaticString = "tandemSF"
    static let version: UInt32 = 1

    let systemIdentifier: UInt64
    let slot: String
    let xid: UInt32
    /// Drawn anew for every file: a file of the same transaction from an earlier run has another.
    let incarnation: UInt64

    var encoded: ByteBuffer {
        let buffer = ByteBuffer(capacity: 64 + slot.utf8.count)
        buffer.append(text: Self.magic.description)
        buffer.append(bigEndian: Self.version)
        buffer.append(bigEndian: xid)
        buffer.append(bigEndian: systemIdentifier)
        buffer.append(bigEndian: incarnation)
        buffer.append(bigEndian: UInt32(truncatingIfNeeded: slot.utf8.count))
        buffer.append(text: slot)
        return buffer
    }
}

struct SpillBlockHeader: Equatable {
    static let size = 24

    let incarnation: UInt64
    let xid: UInt32
    let sequence: UInt32
    let payload: UInt64

    init(incarnation: UInt64, xid: UInt32, sequence: Int, payload: Int) {
        self.incarnation = incarnation
        self.xid = xid
        self.sequence = UInt32(truncatingIfNeeded: sequence)
        self.payload = UInt64(payload)
    }

    init(from cursor: inout ByteCursor) throws(OutOfBytes) {
        incarnation = try cursor.integer()
        xid = try cursor.integer()
        sequence = try cursor.integer()
        payload = try cursor.integer()
    }

    var encoded: ByteBuffer {
        let buffer = ByteBuffer(capacity: Self.size)
        buffer.append(bigEndian: incarnation)
        buffer.append(bigEndian: xid)
        buffer.append(bigEndian: sequence)
        buffer.append(bigEndian: payload)
        return buffer
    }
}
