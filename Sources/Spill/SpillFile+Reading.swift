// Reading a spill file back. A block is handed out only when every byte of it is the byte that was written, at its
// place in its file. What the file says about lengths is never believed, only compared.

package import Bytes
internal import Glibc

extension SpillFile {
    /// Every block in order, each in the same memory: it is only good until `body` returns.
    package func read(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        let stored = ByteBuffer()
        let content = ByteBuffer()
        try checkHeader(stored, content)
        try withExtendedLifetime(content) {
            for index in 0..<blocks {
                try body(try payload(of: index, stored, content))
            }
        }
    }

    /// One block, in place of whatever `buffer` held; nothing when this throws.
    package func block(_ index: Int, into buffer: ByteBuffer) throws(SpillError) {
        buffer.truncate()
        let payload = try payload(of: index, ByteBuffer(), buffer)
        // It stands in the buffer's own memory, behind the block's header: this moves it to the front.
        buffer.append(payload)
    }

    private func checkHeader(_ stored: ByteBuffer, _ content: ByteBuffer) throws(SpillError) {
        let found = try readContent(of: records[0], "its header", stored, content)
        let written = header.encoded
        guard withExtendedLifetime(written, { found.elementsEqual(written.bytes) }) else {
            throw .corrupt(path, "its header is that of another transaction, slot, server or run")
        }
    }

    private func payload(
        of index: Int, _ stored: ByteBuffer, _ content: ByteBuffer
    ) throws(SpillError) -> UnsafeRawBufferPointer {
        let record = records[index + 1]
        let found = try readContent(of: record, "block \(index)", stored, content)
        let expected = blockHeader(index, payload: record.content - SpillBlockHeader.size)
        var cursor = ByteCursor(found)
        let header: SpillBlockHeader
        do { header = try SpillBlockHeader(from: &cursor) } catch {
            throw .corrupt(path, "block \(index): \(error)")
        }
        guard header == expected else {
            throw .corrupt(
                path, "where block \(index) should be is block \(header.sequence) of transaction \(header.xid)")
        }
        return cursor.rest
    }

    /// The checked content of a record, in the memory behind `content`'s bytes (there must be none).
    private func readContent(
        of record: Record, _ what: String, _ stored: ByteBuffer, _ content: ByteBuffer
    ) throws(SpillError) -> UnsafeRawBufferPointer {
        let frame = try load(record, what, stored)
        content.reserve(record.content)
        let output = UnsafeMutableRawBufferPointer(start: content.base, count: record.content)
        do { try decompressor().decompress(frame, into: output) } catch {
            throw .corrupt(path, "\(what): \(error.reason)")
        }
        return UnsafeRawBufferPointer(output)
    }

    private func load(
        _ record: Record, _ what: String, _ stored: ByteBuffer
    ) throws(SpillError) -> UnsafeRawBufferPointer {
        let length = Record.prefix + record.frame
        stored.reserve(length)
        try fill(UnsafeMutableRawBufferPointer(start: stored.base, count: length), from: record.offset, what)
        var cursor = ByteCursor(stored.base, count: length)
        do {
            let frame: UInt64 = try cursor.integer()
            guard frame == UInt64(record.frame) else { throw SpillError.corrupt(path, "\(what) has another length") }
        } catch let error as SpillError {
            throw error
        } catch {
            throw .corrupt(path, "\(what): \(error)")
        }
        return cursor.rest
    }

    private func fill(
        _ memory: UnsafeMutableRawBufferPointer, from offset: Int, _ what: String
    ) throws(SpillError) {
        let call = SystemCall(operation: "read spill file", path: path)
        var done = 0
        while done < memory.count {
            let got = try call.run {
                pread(descriptor, memory.baseAddress! + done, memory.count - done, offset + done)
            }
            guard got > 0 else { throw .corrupt(path, "it ends within \(what)") }
            done += got
        }
    }
}
