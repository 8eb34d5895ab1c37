// A clerk's connection to one side: made when it is needed, made again when it broke. One thread uses it.

internal import Model
internal import Postgres
internal import Threading

final class SideConnection {
    let side: Side
    private let target: ConnectionTarget
    private let name: String
    private let stop: StopSignal
    private var connection: Connection?
    /// While an error is nobody's error, nobody waits for the next one either.
    private var wellAgain: Monotonic?

    init(_ side: Side, conninfo: String, name: String, stop: StopSignal) {
        (self.side, self.name, self.stop) = (side, name, stop)
        target = ConnectionTarget(conninfo: conninfo, label: side.rawValue)
    }

    func open() throws(PostgresError) -> Connection {
        if let connection, !connection.isBroken { return connection }
        connection = nil
        let made = try Connection(to: target, for: .application, as: name, stop: stop)
        connection = made
        return made
    }

    /// The same for who can do without: after a failure, nil for a moment.
    func openIfWell() throws(PostgresError) -> Connection? {
        if connection.map(\.isBroken) ?? true, let wellAgain, Monotonic.now < wellAgain { return nil }
        let began = Monotonic.now
        do { return try open() } catch {
            // The longer it took to find out, the longer nobody tries.
            wellAgain = .now.adding(seconds: 1 + 5 * began.age)
            throw error
        }
    }

    /// Nothing of an open transaction stays; a connection of which that is not certain is given up.
    func rollBack() {
        guard let connection else { return }
        if connection.isBroken {
            self.connection = nil
            return
        }
        do { try connection.script("ROLLBACK", doing: "rolling back on \(side.rawValue)") } catch {
            self.connection = nil
        }
    }

    /// The next one may lead somewhere else.
    func leave() { connection = nil }
}
