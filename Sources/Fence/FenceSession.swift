// The fence itself: a session of its own that has the lock alone, in one transaction. Writers that are in come to an end first, new
// ones wait. Whatever ends the session takes the fence down, and with it goes whatever it has not committed: so what may only
// happen under the fence is committed in here. The server ends it when it is left alone for longer than its lease.

internal import Failpoints
package import Model
package import Postgres
package import Protocol
internal import State
package import Threading

package final class FenceSession {
    package let connection: Connection
    package let side: Side
    private let stream: StreamName
    private let names: FenceNames
    private(set) package var isUp = false
    /// How long it waited for writers to end.
    private(set) package var waited = 0.0

    /// Connects; nobody waits for anything yet.
    package init(to target: ConnectionTarget, _ stream: StreamName, on side: Side, stop: StopSignal) throws {
        (self.stream, self.side) = (stream, side)
        names = FenceNames(stream)
        connection = try Connection(to: target, for: .control, as: "\(stream.pairKey) fence", stop: stop)
    }

    private var gate: FenceGate { FenceGate(connection, stream, on: side) }
    private var doing: String { "fencing \(connection.label)" }

    // MARK: putting it up

    /// At most `seconds` for writers to end. `lease`: seconds after which the server ends the session when nothing comes.
    package func putUp(within seconds: Double, lease: Double) throws {
        let milliseconds = max(1, Int(seconds * 1000))
        let leased = max(100, Int(lease * 1000))
        var settings = ["lock_timeout = \(milliseconds)", "idle_in_transaction_session_timeout = \(leased)"]
        // A fence that is busy for longer than its lease is as bad as one that is idle.
        if connection.serverMajor >= 17 { settings.append("transaction_timeout = \(leased + milliseconds)") }
        let began = Monotonic.now
        do throws(PostgresError) {
            try connection.script(
                "BEGIN; " + settings.map { "SET LOCAL \($0)" }.joined(separator: "; ")
                    + "; SELECT pg_catalog.pg_advisory_xact_lock(\(names.lockKey))", doing: doing)
        } catch {
            waited = began.age
            takeDown()
            throw error
        }
        waited = began.age
        isUp = true
    }

    /// Whether it still stands. A session that was ended does not say so by itself.
    package func check() throws {
        do throws(PostgresError) { try connection.query("SELECT", doing: doing) } catch {
            isUp = false
            throw FenceFault.lost(side, error.message)
        }
    }

    // MARK: under it

    /// Before anything is written here: whatever becomes of this session, a statement that waited for it, with a snapshot from
    /// before its end, has to be run again.
    package func seal(_ epoch: Epoch) throws {
        guard isUp, let wanted = FenceGate.wanted(epoch, on: side, isSealed: true) else { return }
        try gate.seal(wanted)
    }

    /// The next epoch, and the gate by it, in this very transaction. Afterwards it is down. Throws without knowing whether it
    /// took place when the answer to COMMIT did not come (`leavesCommitOpen`).
    package func commit(next epoch: Epoch) throws -> Epoch {
        let book = EpochBook(connection, stream)
        try connection.script("SET LOCAL synchronous_commit = on", doing: doing)
        let written = try book.record(next: epoch)
        Failpoint.pass(.beforeFlipCommit)
        if let wanted = FenceGate.wanted(written, on: side, isSealed: try gate.read()?.isSealed ?? false) {
            try gate.set(wanted)
        }
        Failpoint.pass(.afterGateClosed)
        try end()
        return written
    }

    /// What the other side has committed, and the gate by it; afterwards it is down, and whoever waited goes on.
    package func take(_ epoch: Epoch) throws {
        try EpochBook(connection, stream).take(epoch)
        Failpoint.pass(.beforeGateOpened)
        if let wanted = FenceGate.wanted(epoch, on: side, isSealed: try gate.read()?.isSealed ?? false) {
            try gate.set(wanted)
        }
        try end()
    }

    private func end() throws {
        isUp = false
        try connection.script("COMMIT", doing: "committing on \(connection.label)")
    }

    // MARK: taking it down

    /// Nothing of it remains. Harmless when repeated, and on a session that is gone. One that does not answer is left to its lease.
    package func takeDown() {
        isUp = false
        _ = connection.attempt("ROLLBACK", within: Self.farewell)
    }

    private static let farewell = 0.5
}

/// The same lock, as one of those who share it: what tandem writes by itself, at the wrong moment, when the sides have changed
/// places meanwhile.
package struct FenceShare {
    private let connection: Connection
    private let names: FenceNames
    private let stream: StreamName

    package init(_ connection: Connection, _ stream: StreamName) {
        (self.connection, self.stream) = (connection, stream)
        names = FenceNames(stream)
    }

    /// Whether anybody has the fence just now.
    package func isFree() throws(PostgresError) -> Bool {
        try connection.query(
            "SELECT pg_catalog.pg_try_advisory_xact_lock_shared(\(names.lockKey))",
            doing: "looking for the fence on \(connection.label)"
        ).bool(0, 0)
    }

    /// `body` in a transaction that keeps the fence from being put up here, if this side's own epoch still has `truth` in
    /// charge; false when somebody has the fence, or it is another one.
    package func whileInCharge(_ truth: Side, _ body: () throws(PostgresError) -> Void) throws -> Bool {
        let doing = "setting what follows on \(connection.label)"
        try connection.script("BEGIN", doing: doing)
        do {
            let isFree = try self.isFree()
            let isSame = try (EpochBook(connection, stream).read()?.truth ?? .old) == truth
            if isFree && isSame { try body() }
            try connection.script("COMMIT", doing: doing)
            return isFree && isSame
        } catch {
            if !connection.isBroken { _ = try? connection.script("ROLLBACK", doing: doing) }
            throw error
        }
    }
}
