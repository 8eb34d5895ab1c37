// What a running stream says of itself once a second, kept on the target so that anybody can read it from anywhere.

package import Foundation

package struct StreamStatus: KeptAsJSON, Sendable, Equatable {
    package enum State: String, Codable, Sendable, CaseIterable {
        /// Connecting, or waiting to be allowed to.
        case starting
        case streaming
        /// Something transient failed; it is being tried again.
        case retrying
        /// A transaction cannot be applied; an operator has to act.
        case blocked
        /// Reading waits: a limit is reached.
        case waiting
        /// An operator asked it to rest.
        case paused
        case stopped
    }

    package struct Problem: Codable, Sendable, Equatable {
        package var message: String
        package var hint: String?
        package var sqlstate: String?
        package var table: String?
        package var position: String?
        package var since: Date

        package init(
            message: String, hint: String? = nil, sqlstate: String? = nil, table: String? = nil,
            position: String? = nil, since: Date = Date()
        ) {
            self.message = message
            self.hint = hint
            self.sqlstate = sqlstate
            self.table = table
            self.position = position
            self.since = since
        }
    }

    package var state: State
    package var problem: Problem?
    package var host: String
    package var pid: Int32
    package var received: String
    package var applied: String
    package var durable: String
    /// Seconds from commit on the source to visible on the target, of the last heartbeat.
    package var latency: Double?
    package var transactions: Int
    package var changes: Int
    package var spilled: Int
    package var differences: Int
    /// Bytes of log the slot holds on the source, and how fast the log grows, bytes a second.
    package var walHeld: UInt64?
    package var walRate: Double?
    /// What the stream does with what it reads: `apply` or `watch`.
    package var role: String?
    /// Transactions that tandem itself had written on the source, since the session's start.
    package var skipped: Int?
    /// Commits on the target that brought transactions, since the session's start.
    package var batches: Int?
    /// Rows that a watch has seen touched and that are not known to be the same on both sides.
    package var unsettled: Int?
    /// Of which step its runner has heard; it does what that asks.
    package var step: Int?

    package init(state: State, host: String, pid: Int32) {
        self.state = state
        self.host = host
        self.pid = pid
        received = "0/0"
        applied = "0/0"
        durable = "0/0"
        transactions = 0
        changes = 0
        spilled = 0
        differences = 0
    }
}
