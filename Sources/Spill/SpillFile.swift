// One transaction's rows on disk: a header and then blocks, each an LZ4 frame behind its length. Scratch: never
// synced, never read by another run. How many blocks there are, how long they are and where they stand is kept in
// memory, so a file that was cut, even between two blocks, is found out. A failed append leaves the file as it was.
//
//     file     record(file header) record(block header, payload) record(block header, payload) …
//     record   frame length:8 frame

internal import Bytes
internal import Glibc

package final class SpillFile: @unchecked Sendable {  // used by one thread at a time
    /// Where one record stands, and how long its content is once decompressed.
    struct Record {
        let offset: Int
        let frame: Int
        let content: Int

        static let prefix = 8
        var end: Int { offset + Record.prefix + frame }
    }

    let header: SpillFileHeader
    let path: String
    private(set) var descriptor: Int32
    private(set) var records: [Record] = []
    private let directory: SpillDirectory
    private let name: String
    private let compressor: FrameCompressor
    private var decompressorMade: FrameDecompressor?

    package private(set) var bytes = 0

    init(in directory: SpillDirectory, named name: String, xid: UInt32) throws(SpillError) {
        self.directory = directory
        self.name = name
        path = directory.directory.path + "/" + name
        header = SpillFileHeader(
            systemIdentifier: directory.systemIdentifier, slot: directory.slot, xid: xid,
            incarnation: UInt64.random(in: .min ... .max))
        do { compressor = try FrameCompressor() } catch {
            throw .library("create spill file", path, error.reason)
        }
        descriptor = try directory.directory.create(name)
        // From here on `deinit` removes the file when this throws.
        try write(header.encoded, UnsafeRawBufferPointer(start: nil, count: 0))
    }

    deinit { remove() }

    package var blocks: Int { records.count - 1 }

    package var bytesOnDisk: Int { records.last?.end ?? 0 }

    /// Adds one block. When this throws, the file is what it was before, and the same call may be made again.
    package func append(_ bytes: UnsafeRawBufferPointer) throws(SpillError) {
        let header = blockHeader(blocks, payload: bytes.count)
        try write(header.encoded, bytes)
        self.bytes += bytes.count
    }

    /// Gives the disk back. What was read stays with its reader; appending and reading end here.
    package func remove() {
        guard descriptor >= 0 else { return }
        // A name that cannot be removed is scratch for the next start to remove; nothing depends on it.
        try? directory.directory.unlink(name)
        close(descriptor)
        descriptor = -1
        directory.count(bytes: -bytesOnDisk)
    }

    func blockHeader(_ index: Int, payload: Int) -> SpillBlockHeader {
        SpillBlockHeader(incarnation: header.incarnation, xid: header.xid, sequence: index, payload: payload)
    }

    func decompressor() throws(FrameError) -> FrameDecompressor {
        if let decompressorMade { return decompressorMade }
        let made = try FrameDecompressor()
        decompressorMade = made
        return made
    }
}

extension SpillFile {
    private func write(_ head: ByteBuffer, _ payload: UnsafeRawBufferPointer) throws(SpillError) {
        let room = Record.prefix + compressor.bound(head: head.count, payload: payload.count)
        let output = UnsafeMutableRawBufferPointer.allocate(byteCount: room, alignment: 16)
        defer { output.deallocate() }
        let frame: Int
        do {
            frame = try compressor.compress(
                head: head.bytes, payload: payload,
                into: UnsafeMutableRawBufferPointer(rebasing: output[Record.prefix...]))
        } catch {
            throw .library("compress for spill file", path, error.reason)
        }
        output.storeBytes(of: UInt64(frame).bigEndian, as: UInt64.self)
        let record = Record(offset: bytesOnDisk, frame: frame, content: head.count + payload.count)
        try store(UnsafeRawBufferPointer(rebasing: output[..<(Record.prefix + frame)]), at: record.offset)
        records.append(record)
        directory.count(bytes: record.end - record.offset)
    }

    private func store(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SpillError) {
        do {
            try checkFileSizeLimit(offset + bytes.count)
            try storeAll(bytes, at: offset)
        } catch {
            // Gives the space back. If that fails, too, nothing is lost: the next append writes over it.
            _ = ftruncate(descriptor, offset)
            throw error
        }
    }

    private func storeAll(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SpillError) {
        let call = SystemCall(operation: "write spill file", path: path)
        var done = 0
        while done < bytes.count {
            let written = try call.run {
                pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, offset + done)
            }
            guard written > 0 else { throw .system("write spill file", path, code: EIO) }
            done += written
        }
    }

    /// Writing past the process's file size limit is a signal that kills, so the limit is asked before.
    private func checkFileSizeLimit(_ end: Int) throws(SpillError) {
        var limit = rlimit()
        guard getrlimit(Int32(RLIMIT_FSIZE.rawValue), &limit) == 0 else { return }
        if UInt64(end) > limit.rlim_cur { throw .system("write spill file", path, code: EFBIG) }
    }
}
