// Rows of a table read on a standby of the source. Nobody can say which transactions a standby's snapshot shows: there
// `pg_current_snapshot()` leaves out those that are under way. It is enough to know that it shows all that a snapshot of the
// source showed, and nothing that ends later than a position: what lies between is noted by the stream and read again on the
// source, as between two snapshots of a table that is copied in parts. On the source the table is locked meanwhile, so that
// nobody empties or rewrites it, but no snapshot is held there.

internal import Model
internal import Postgres
internal import State
internal import Threading

extension CopyWorker {
    /// How long the standby may take until it shows what the source has just shown.
    private static let patience = 30.0

    /// A snapshot there that shows all that `sight` does, in a transaction that goes on.
    func look(at address: ConnectionTarget, beyond sight: Sight) throws -> (exported: String, seen: LSN) {
        let side = StandbySide(try standby(address))
        let old = try source().connection
        try side.checkIs(of: old)
        // What was asked with parameters keeps its snapshot until the next statement; this one keeps none.
        try old.script("SELECT", doing: "letting go of a snapshot on \(old.label)")
        try wait(for: sight, on: side)
        try side.connection.script(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", doing: "taking a snapshot on \(address.label)")
        let exported = try side.exportSnapshot()
        // Looked at after the snapshot: it shows nothing that was replayed later, nor anything written there.
        return (exported, try side.replayed())
    }

    private func wait(for sight: Sight, on side: StandbySide) throws {
        let began = Monotonic.now
        while true {
            let reached = try side.replayed()
            if reached >= sight.until { return }
            guard began.age < Self.patience else {
                throw StandbyBehind(table: sight.leaf.name, bytes: sight.until.raw - reached.raw)
            }
            guard !signal.wait(seconds: 0.05) else {
                throw PostgresError(.interrupted, "stopped on request", doing: "waiting for \(side.connection.label)")
            }
        }
    }
}

/// Not begun yet.
struct StandbyBehind: Explained {
    let table: QualifiedName
    let bytes: UInt64
    var description: String { "\(table) waits for the standby of old, which is \(bytes) bytes behind" }
    var hint: String? { "is it connected, and does something that is read there hold up its replay?" }
}
