// A growable run of raw bytes, written at its end and read through cursors. Used by one thread at a time: whoever
// holds it owns it, and handing it over hands over everything in it. Pointers into it live as long as the buffer is held
// and not written to.

#if canImport(Glibc)
    internal import Glibc
#endif

package final class ByteBuffer: @unchecked Sendable {  // handed over whole between threads, never shared
    package private(set) var base: UnsafeMutableRawPointer
    package private(set) var count = 0
    package private(set) var capacity: Int

    package init(capacity: Int = 64) {
        self.capacity = max(capacity, 16)
        base = UnsafeMutableRawPointer.allocate(byteCount: self.capacity, alignment: 16)
    }

    deinit { base.deallocate() }

    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    package func cursor(from offset: Int = 0) -> ByteCursor { ByteCursor(base + offset, count: count - offset) }

    /// Makes the next `extra` bytes writable without another allocation.
    package func reserve(_ extra: Int) {
        guard count + extra > capacity else { return }
        let wanted = max(count + extra, capacity + capacity / 2 + 64)
        let grown = UnsafeMutableRawPointer.allocate(byteCount: wanted, alignment: 16)
        grown.copyMemory(from: base, byteCount: count)
        base.deallocate()
        base = grown
        capacity = wanted
    }

    package func append(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        append(start, bytes.count)
    }

    package func append(_ start: UnsafeRawPointer, _ length: Int) {
        reserve(length)
        (base + count).copyMemory(from: start, byteCount: length)
        count += length
    }

    // One function a type: a generic one is not specialised across modules on this toolchain.
    package func append(bigEndian value: UInt8) { put(value) }
    package func append(bigEndian value: Int16) { put(value) }
    package func append(bigEndian value: UInt16) { put(value) }
    package func append(bigEndian value: Int32) { put(value) }
    package func append(bigEndian value: UInt32) { put(value) }
    package func append(bigEndian value: Int64) { put(value) }
    package func append(bigEndian value: UInt64) { put(value) }

    @inline(__always)
    private func put<I: FixedWidthInteger>(_ value: I) {
        reserve(MemoryLayout<I>.size)
        (base + count).storeBytes(of: value.bigEndian, as: I.self)
        count += MemoryLayout<I>.size
    }

    package func append(text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    package func overwrite(at offset: Int, bigEndian value: Int32) {
        precondition(offset >= 0 && offset + 4 <= count)
        (base + offset).storeBytes(of: value.bigEndian, as: Int32.self)
    }

    /// Forgets the bytes after the first `length`; the memory stays for the next ones.
    package func truncate(to length: Int = 0) {
        precondition(length >= 0 && length <= count)
        count = length
    }

    /// Gives memory back when far more is held than `keeping`.
    package func shrink(keeping: Int) {
        guard capacity > keeping, count <= keeping else { return }
        let smaller = UnsafeMutableRawPointer.allocate(byteCount: keeping, alignment: 16)
        smaller.copyMemory(from: base, byteCount: count)
        base.deallocate()
        base = smaller
        capacity = keeping
    }
}
