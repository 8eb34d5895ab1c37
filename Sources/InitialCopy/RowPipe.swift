// Rows from COPY on one connection into COPY on another, as they come: nothing looks into them. One buffer of bounded size
// and the row at hand are all that is kept.

internal import Bytes
internal import Failpoints
package import Postgres
package import Threading

package struct RowPipe {
    let source: Connection
    let target: Connection
    let buffer: Int
    let rate: RateLimit
    let stop: StopSignal
    /// Whether to give up.
    let isOverdue: () -> Bool
    /// Told of every buffer that was passed on.
    let passed: (_ bytes: Int) -> Void

    package init(
        source: Connection, target: Connection, buffer: Int, rate: RateLimit, stop: StopSignal,
        isOverdue: @escaping () -> Bool = { false }, passed: @escaping (_ bytes: Int) -> Void
    ) {
        (self.source, self.target, self.buffer, self.rate, self.stop) = (source, target, buffer, rate, stop)
        (self.isOverdue, self.passed) = (isOverdue, passed)
    }

    /// How many rows arrived.
    package func run(from read: String, to write: String, doing: String) throws -> Int {
        try source.startCopyOut(read, doing: doing)
        try target.startCopy(write, doing: doing)
        do { try pass(doing) } catch {
            if !target.isBroken { target.abandonCopy(doing: doing) }
            throw error
        }
        return try target.endCopy(doing: doing)
    }

    private func pass(_ doing: String) throws {
        let gathered = ByteBuffer(capacity: 2 * buffer)
        while let row = try source.nextCopyRow(doing: doing) {
            // A row that is large by itself is not copied once more.
            if row.bytes.count >= buffer {
                try send(gathered, doing)
                try target.putCopy(row.bytes, doing: doing)
                try note(row.bytes.count, doing)
                continue
            }
            gathered.append(row.bytes)
            if gathered.count >= buffer { try send(gathered, doing) }
        }
        try send(gathered, doing)
    }

    private func send(_ gathered: ByteBuffer, _ doing: String) throws {
        guard gathered.count > 0 else { return }
        try target.putCopy(gathered.bytes, doing: doing)
        let bytes = gathered.count
        gathered.truncate(to: 0)
        try note(bytes, doing)
    }

    private func note(_ bytes: Int, _ doing: String) throws {
        passed(bytes)
        Failpoint.pass(.duringTableCopy)
        rate.took(bytes, stop: stop, or: isOverdue)
        if isOverdue() { throw Overdue() }
        if stop.isRaised { throw PostgresError(.interrupted, "stopped on request", doing: doing) }
    }
}

struct Overdue: Error {}
