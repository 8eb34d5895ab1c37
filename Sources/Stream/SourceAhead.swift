// The connections to the source with which a session begins, opened while the target is still looked at: a server takes longer
// to take somebody in than to answer. Those that no session takes are closed; a session without them opens its own.

internal import Postgres
internal import Threading

struct SourceAhead {
    private let plan: StreamPlan
    private let stop: StopSignal
    private var control: UpcomingConnection?
    private var connected: Connection?
    private var replication: UpcomingConnection?

    init(_ plan: StreamPlan, stop: StopSignal) { (self.plan, self.stop) = (plan, stop) }

    mutating func begin() { control = upcoming(.control) }

    mutating func beginReplication() { replication = upcoming(.replication) }

    /// The one for questions, for whoever has some before the session; nil when there is none.
    mutating func asking() throws(PostgresError) -> Connection? {
        guard let upcoming = control else { return connected }
        control = nil
        connected = try Connection(upcoming)
        return connected
    }

    /// Both, for one session; what is not on its way sets out now.
    mutating func take() throws(PostgresError) -> (control: Connection, replication: Connection) {
        defer { forget() }
        let second = replication ?? upcoming(.replication)
        if let connected { return (connected, try Connection(second)) }
        return (try Connection(control ?? upcoming(.control)), try Connection(second))
    }

    mutating func forget() { (control, connected, replication) = (nil, nil, nil) }

    private func upcoming(_ purpose: SessionPurpose) -> UpcomingConnection {
        UpcomingConnection(to: plan.source, for: purpose, as: "\(plan.stream) start", stop: stop)
    }
}
