// A reading position in bytes somebody else owns: the one way wire and disk bytes are read.
// It never reads past its end: every read is checked and throws `OutOfBytes`. It must not outlive the bytes.

package struct OutOfBytes: Error, Equatable {
    package let wanted: Int
    package let left: Int

    @inlinable package init(wanted: Int, left: Int) {
        self.wanted = wanted
        self.left = left
    }
}

package struct ByteCursor {
    package var pointer: UnsafeRawPointer
    package var left: Int

    @inlinable package init(_ bytes: UnsafeRawBufferPointer) {
        // An empty buffer may have no address; any address does, since nothing is ever read from it.
        self.init(bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!, count: bytes.count)
    }

    @inlinable package init(_ pointer: UnsafeRawPointer, count: Int) {
        self.pointer = pointer
        self.left = count
    }

    @inlinable package var isAtEnd: Bool { left == 0 }

    /// Everything not read yet.
    @inlinable package var rest: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: pointer, count: left) }

    @inlinable package mutating func skip(_ count: Int) throws(OutOfBytes) {
        guard count >= 0, count <= left else { throw OutOfBytes(wanted: count, left: left) }
        pointer += count
        left &-= count
    }

    @inlinable package mutating func take(_ count: Int) throws(OutOfBytes) -> UnsafeRawBufferPointer {
        let start = pointer
        try skip(count)
        return UnsafeRawBufferPointer(start: start, count: count)
    }

    // One function a type: a generic one is not specialised across modules on this toolchain, and costs ten times more.
    package mutating func integer(_: UInt8.Type = UInt8.self) throws(OutOfBytes) -> UInt8 { try number() }
    package mutating func integer(_: Int16.Type = Int16.self) throws(OutOfBytes) -> Int16 { try number() }
    package mutating func integer(_: UInt16.Type = UInt16.self) throws(OutOfBytes) -> UInt16 { try number() }
    package mutating func integer(_: Int32.Type = Int32.self) throws(OutOfBytes) -> Int32 { try number() }
    package mutating func integer(_: UInt32.Type = UInt32.self) throws(OutOfBytes) -> UInt32 { try number() }
    package mutating func integer(_: Int64.Type = Int64.self) throws(OutOfBytes) -> Int64 { try number() }
    package mutating func integer(_: UInt64.Type = UInt64.self) throws(OutOfBytes) -> UInt64 { try number() }

    @inline(__always)
    private mutating func number<I: FixedWidthInteger>() throws(OutOfBytes) -> I {
        let start = pointer
        try skip(MemoryLayout<I>.size)
        return I(bigEndian: start.loadUnaligned(as: I.self))
    }

    package mutating func byte() throws(OutOfBytes) -> UInt8 { try number() }

    /// The bytes up to the next NUL, which is read and left out.
    @inlinable package mutating func untilNul() throws(OutOfBytes) -> UnsafeRawBufferPointer {
        for length in 0..<left where pointer.load(fromByteOffset: length, as: UInt8.self) == 0 {
            let bytes = UnsafeRawBufferPointer(start: pointer, count: length)
            try skip(length + 1)
            return bytes
        }
        throw OutOfBytes(wanted: left + 1, left: left)
    }

    package mutating func string() throws(OutOfBytes) -> String {
        String(decoding: try untilNul(), as: UTF8.self)
    }
}
