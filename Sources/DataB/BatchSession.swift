// The two connections that work on Data B, and what both need around a piece of work: the lock that lets one worker at a
// time, tandem's origin on what is written, short waits for locks. Used on the thread that made it.

internal import Apply
internal import Failpoints
internal import InitialCopy
internal import Model
internal import Postgres
internal import State
internal import Telemetry
internal import Threading

final class BatchSession {
    let plan: DataBPlan
    let source: Connection
    let target: Connection
    /// On the written side: progress, origin.
    let state: DataBState
    let stop: StopSignal
    let log: Log
    private let rate: RateLimit

    init(_ plan: DataBPlan, stop: StopSignal, log: Log) throws(PostgresError) {
        self.plan = plan
        self.stop = stop
        self.log = log
        rate = RateLimit(bytesPerSecond: plan.copying.rate)
        source = try Connection(to: plan.source, for: .control, as: "\(plan.stream) data b", stop: stop)
        target = try Connection(to: plan.target, for: .batches, as: "\(plan.stream) data b", stop: stop)
        state = DataBState(target, plan.stream)
        // One process of the read side's at a time, and nobody waits long behind a lock that we wait for.
        try source.script(
            "SET lock_timeout = '10s'; SET max_parallel_workers_per_gather = 0",
            doing: "preparing to read Data B on \(source.label)")
        try target.script("SET lock_timeout = '10s'", doing: "preparing to write Data B on \(target.label)")
        try state.install()
    }

    /// One of them stopped in the middle of something, such as a COPY that nobody reads on.
    private var isSpent = false

    var isBroken: Bool { isSpent || source.isBroken || target.isBroken }

    /// With tandem's origin on everything that is committed meanwhile.
    func marked<Value>(_ body: () throws -> Value) throws -> Value {
        try state.attach(origin: plan.origin)
        do {
            let value = try body()
            try state.detachOrigin()
            return value
        } catch {
            giveUp()
            throw error
        }
    }

    /// Back to no transaction on either side; what cannot be restored leaves the connection to be made anew.
    func giveUp() {
        for connection in [target, source] where !connection.isBroken {
            do { try connection.script("ROLLBACK", doing: "giving up on \(connection.label)") } catch { isSpent = true }
        }
        if !target.isBroken { try? state.detachOrigin() }
    }

    /// Reading as of one moment.
    func inSnapshot<Value>(_ name: QualifiedName, _ body: () throws -> Value) throws -> Value {
        try source.script("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", doing: "reading \(name)")
        let value = try body()
        try source.script("COMMIT", doing: "reading \(name)")
        return value
    }

    func inTransaction<Value>(_ name: QualifiedName, _ body: () throws -> Value) throws -> Value {
        let doing = "writing \(name) on \(target.label)"
        try target.script("BEGIN", doing: doing)
        let value = try body()
        Failpoint.pass(.beforeBatchCommit)
        try target.script("COMMIT", doing: doing)
        Failpoint.pass(.afterBatchCommit)
        return value
    }

    /// Rows from COPY there into COPY here; how many, and how many bytes they took.
    func pipe(_ name: QualifiedName, from read: String, to write: String) throws -> (rows: Int, bytes: Int) {
        try piped { try $0.run(from: read, to: write, doing: "carrying \(name)") }
    }

    /// The same of whole rows, in a snapshot: wide ones come in pieces.
    func pipe(_ name: QualifiedName, _ query: CopyQuery, to write: String) throws -> (rows: Int, bytes: Int) {
        try piped { try $0.run(query, to: write, doing: "carrying \(name)") }
    }

    private func piped(_ run: (RowPipe) throws -> Int) throws -> (rows: Int, bytes: Int) {
        var bytes = 0
        let copying = plan.copying
        let pipe = RowPipe(
            source: source, target: target, buffer: copying.buffer, widest: copying.widest, rate: rate, stop: stop
        ) { sent, _ in bytes += sent }
        let rows = try run(pipe)
        return (rows, bytes)
    }

    @discardableResult
    func write(_ sql: String, _ name: QualifiedName) throws(PostgresError) -> Int {
        try target.query(sql, doing: "writing \(name) on \(target.label)").affected ?? 0
    }
}
