// Tries statements and takes them back: nothing of them stays, and nobody waits for long. Who may do something is only known
// when it was done.

internal import Model
internal import Postgres

struct Rehearsal {
    private let connection: Connection
    private let doing: String

    init(_ connection: Connection, _ doing: String) {
        self.connection = connection
        self.doing = "\(doing) on \(connection.label)"
    }

    /// A name that nobody else uses.
    var name: String { "tandem_preflight_\(connection.backendPID)" }

    /// What the server has against them; nil when it did them.
    func refusal(of statements: String) throws(PostgresError) -> PostgresError? {
        // Below the time after which a server cancels an autovacuum that is waited for.
        let begin = "BEGIN; SET LOCAL lock_timeout = '500ms'"
        do {
            try connection.script("\(begin); \(statements); ROLLBACK", doing: doing)
            return nil
        } catch {
            guard error.sqlState != nil, !connection.isBroken else { throw error }
            try connection.script("ROLLBACK", doing: doing)
            return error
        }
    }
}

extension PostgresError {
    var lacksPrivilege: Bool { sqlState == "42501" }
    /// Somebody holds a lock; it says nothing about what may be done.
    var foundLocked: Bool { sqlState == "55P03" || sqlState == "57014" }
}
