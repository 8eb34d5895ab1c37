// The changes of one large or still open transaction, in order: first what is in its spill file, then what is in
// memory. Rolled-back subtransactions are remembered, and left out when reading. Owned by the receiving thread until
// the transaction is delivered, by the applying thread afterwards.

package import Bytes
internal import PGOutput
package import Spill

package final class TransactionBuffer: @unchecked Sendable {  // handed over whole, never shared
    package let xid: UInt32
    package private(set) var changes = 0
    package private(set) var memory = 0
    package private(set) var spilled: SpillFile?
    package private(set) var rolledBack: Set<UInt32> = []
    private var chunks: [ByteBuffer] = []

    /// Large enough to compress well and be applied in few pieces, small enough to hold many.
    static let chunkSize = 256 * 1024

    init(xid: UInt32) { self.xid = xid }

    /// Returns how many bytes it took.
    func append(_ kind: ChangeKind, shape: Int, subtransaction: UInt32, rows: UnsafeRawBufferPointer) -> Int {
        let chunk = room(for: ChangeRecord.headSize + rows.count)
        let before = chunk.count
        ChangeRecord.append(to: chunk, kind, shape: shape, subtransaction: subtransaction, rows: rows)
        changes += 1
        memory += chunk.count - before
        return chunk.count - before
    }

    /// Takes over records already written elsewhere.
    func append(records: UnsafeRawBufferPointer, changes count: Int) {
        room(for: records.count).append(records)
        memory += records.count
        changes += count
    }

    func rollBack(subtransaction: UInt32) { rolledBack.insert(subtransaction) }

    private func room(for bytes: Int) -> ByteBuffer {
        if let last = chunks.last, last.count + bytes <= Self.chunkSize { return last }
        chunks.append(ByteBuffer(capacity: chunks.isEmpty ? 2048 : Self.chunkSize))
        return chunks[chunks.count - 1]
    }

    /// Writes everything in memory to the spill file. What was written stays written when a later block fails.
    func spill(into directory: SpillDirectory, afterBlock: () -> Void) throws(SpillError) {
        let file: SpillFile
        if let spilled { file = spilled } else { file = try directory.makeFile(xid: xid) }
        spilled = file
        while let chunk = chunks.first {
            try file.append(chunk.bytes)
            memory -= chunk.count
            chunks.removeFirst()
            afterBlock()
        }
    }

    /// How many pieces `piece` gives.
    package var pieces: Int { (spilled?.blocks ?? 0) + chunks.count }

    /// Records of one piece; a spilled one is read into `scratch`.
    package func piece(_ index: Int, scratch: ByteBuffer) throws(SpillError) -> UnsafeRawBufferPointer {
        let inFile = spilled?.blocks ?? 0
        if index >= inFile { return chunks[index - inFile].bytes }
        try spilled?.block(index, into: scratch)
        return scratch.bytes
    }

    /// Frees the spill file at once instead of with the last reference.
    package func discard() {
        spilled?.remove()
        chunks = []
        memory = 0
    }
}
