// Rows from COPY on one connection into COPY on another, as they come: nothing looks into them. One buffer of bounded size
// and the row at hand are all that is kept; libpq hands over a row only whole, so those that may be wide come in pieces, which
// are put together on the way.

package import Apply
internal import Bytes
internal import Failpoints
package import Postgres
package import Threading

package struct RowPipe {
    let source: Connection
    let target: Connection
    let buffer: Int
    /// Rows that may be wider come in pieces.
    let widest: Int
    let rate: RateLimit
    let stop: StopSignal
    /// Whether to give up.
    let isOverdue: () -> Bool
    /// Told of every buffer that was passed on. In binary what ends the rows is counted like one.
    let passed: (_ bytes: Int, _ rows: Int) -> Void

    package init(
        source: Connection, target: Connection, buffer: Int, widest: Int, rate: RateLimit, stop: StopSignal,
        isOverdue: @escaping () -> Bool = { false }, passed: @escaping (_ bytes: Int, _ rows: Int) -> Void
    ) {
        (self.source, self.target, self.rate, self.stop) = (source, target, rate, stop)
        (self.buffer, self.widest) = (buffer, widest)
        (self.isOverdue, self.passed) = (isOverdue, passed)
    }

    /// How many rows arrived. All are read in the snapshot of the transaction that the source's session is in.
    package func run(_ query: CopyQuery, to write: String, doing: String) throws -> Int {
        guard let parts = query.parted(at: widest, piece: buffer) else {
            return try run(from: query.whole, to: write, doing: doing)
        }
        let narrow = try run(from: parts.narrow, to: write, doing: doing)
        guard try source.query(CopyQuery.asking, doing: doing).bool(0, 0) else { return narrow }
        return try narrow + into(write, doing) { try assemble(parts.wide, isBinary: query.isBinary, doing) }
    }

    package func run(from read: String, to write: String, doing: String) throws -> Int {
        try source.startCopyOut(read, doing: doing)
        return try into(write, doing) { try pass(doing) }
    }

    private func into(_ write: String, _ doing: String, _ rows: () throws -> Void) throws -> Int {
        try target.startCopy(write, doing: doing)
        do { try rows() } catch {
            if !target.isBroken { target.abandonCopy(doing: doing) }
            throw error
        }
        return try target.endCopy(doing: doing)
    }

    private func assemble(_ pieces: String, isBinary: Bool, _ doing: String) throws {
        var transcriber = RowTranscriber(isBinary: isBinary)
        let gathered = ByteBuffer(capacity: 2 * buffer)
        var known = 0
        transcriber.begin(into: gathered)
        try source.eachRow(inBinary: pieces, doing: doing) { piece in
            guard let bytes = piece.bytes(0, 0) else { return }
            try transcriber.take(bytes, into: gathered)
            guard gathered.count >= buffer else { return }
            var rows = transcriber.rows - known
            known = transcriber.rows
            try send(gathered, &rows, doing)
        }
        try transcriber.end(into: gathered)
        var rows = transcriber.rows - known
        try send(gathered, &rows, doing)
    }

    private func pass(_ doing: String) throws {
        let gathered = ByteBuffer(capacity: 2 * buffer)
        var rows = 0
        while let row = try source.nextCopyRow(doing: doing) {
            // A row that is large by itself is not copied once more, and goes in pieces: libpq would keep a buffer for all of it.
            if row.bytes.count >= buffer {
                try send(gathered, &rows, doing)
                for start in stride(from: 0, to: row.bytes.count, by: buffer) {
                    let piece = row.bytes[start..<min(start + buffer, row.bytes.count)]
                    try target.putCopy(UnsafeRawBufferPointer(rebasing: piece), doing: doing)
                }
                try note(row.bytes.count, 1, doing)
                continue
            }
            gathered.append(row.bytes)
            rows += 1
            if gathered.count >= buffer { try send(gathered, &rows, doing) }
        }
        try send(gathered, &rows, doing)
    }

    private func send(_ gathered: ByteBuffer, _ rows: inout Int, _ doing: String) throws {
        guard gathered.count > 0 else { return }
        try target.putCopy(gathered.bytes, doing: doing)
        let (bytes, count) = (gathered.count, rows)
        gathered.truncate(to: 0)
        rows = 0
        try note(bytes, count, doing)
    }

    private func note(_ bytes: Int, _ rows: Int, _ doing: String) throws {
        passed(bytes, rows)
        Failpoint.pass(.duringTableCopy)
        rate.took(bytes, stop: stop, or: isOverdue)
        if isOverdue() { throw Overdue() }
        if stop.isRaised { throw PostgresError(.interrupted, "stopped on request", doing: doing) }
    }
}

struct Overdue: Error {}
