// A session that asks what an application would ask: with the settings that database and role give anybody, but for where names
// are looked for, and in transactions that can write nothing.

internal import Configuration
internal import Foundation
package import Model
package import Postgres
internal import Threading

package final class CanaryDesk {
    package let side: Side
    let connection: Connection
    /// Seconds from here to the server and back: the shortest, for one that was held up says nothing of the way.
    private let roundTrip: Double

    package init(_ side: Side, _ connection: Connection) throws {
        self.side = side
        self.connection = connection
        var trips: [Double] = []
        for _ in 0..<7 {
            let begun = Monotonic.now
            try connection.query("SELECT", doing: "listening to \(connection.label)")
            trips.append(begun.age)
        }
        roundTrip = trips.min() ?? 0
    }

    /// For the statements that follow. A session waits while the other side, or a program, is asked; and what nobody waits for any more
    /// ends at once.
    func prepare(_ probe: CanaryProbe) throws(PostgresError) {
        let path = (["pg_catalog"] + probe.searchPath + ["pg_temp"]).map(quoted).joined(separator: ", ")
        var settings = [
            "search_path = \(path)", "statement_timeout = \(max(1, Int((probe.timeout * 1000).rounded())))",
            "idle_in_transaction_session_timeout = 0",
        ]
        if connection.serverMajor >= 14 {
            settings += ["idle_session_timeout = 0", "client_connection_check_interval = '5s'"]
        }
        try connection.script(
            settings.map { "SET \($0)" }.joined(separator: "; "), doing: "preparing the session on \(connection.label)")
    }

    /// The answer, and how long it took, without the way.
    func ask(_ query: String, _ parameters: [String?]) throws(PostgresError) -> (CanaryAnswer, seconds: Double) {
        try readOnly { () throws(PostgresError) in
            let begun = Monotonic.now
            let result = try connection.query(query, parameters, doing: doing)
            let seconds = max(0, begun.age - roundTrip)
            return (CanaryAnswer(result), seconds)
        }
    }

    /// Sets of parameters: their values are needed.
    func rows(_ query: String) throws(PostgresError) -> [[String?]] {
        try readOnly { () throws(PostgresError) in
            let result = try connection.query(query, doing: doing)
            return (0..<result.rows).map { row in (0..<result.columns).map { result.text(row, $0) } }
        }
    }

    /// Only what the server can plan is a query: nothing that ends the transaction, locks a table or answers nothing gets past here.
    func plan(_ query: String, _ parameters: [String?]) throws(PostgresError) -> PlanShape? {
        try readOnly { () throws(PostgresError) in
            let rows = try connection.query(
                "EXPLAIN (FORMAT JSON, COSTS OFF) \(query)", parameters, doing: doing)
            return rows.isRows && rows.rows == 1 ? PlanShape(json: rows.string(0, 0)) : nil
        }
    }

    private var doing: String { "asking \(connection.label)" }

    private func readOnly<Value>(_ body: () throws(PostgresError) -> Value) throws(PostgresError) -> Value {
        try connection.script("BEGIN READ ONLY", doing: doing)
        do {
            let value = try body()
            try connection.script("ROLLBACK", doing: doing)
            return value
        } catch {
            // Interrupted or broken, it can do nothing more; what happened is told in any case.
            if case .server = error.kind, !connection.isBroken { _ = try? connection.script("ROLLBACK", doing: doing) }
            throw error
        }
    }
}
