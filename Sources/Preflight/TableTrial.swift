// Uses every carried table of a side as tandem will, without reading or writing a row: on the side that is read each is selected from,
// on the one that is written the planning of an insert, a deletion and a locking read is asked for, which takes the same rights. Many in one statement,
// and when that fails, fewer, until it is known which. What is locked just now is left out; that is a finding of its own.

internal import Model
internal import Postgres

struct TableTrial {
    struct Failure {
        let table: CarriedTable
        let error: PostgresError
        /// Every right is there, and it was refused all the same.
        let isRowSecurity: Bool
    }

    private let writes: Bool
    private let connection: Connection
    private let carried: [CarriedTable]
    private static let portion = 200

    init(_ survey: Survey, _ side: Side) throws(PostgresError) {
        self.init(on: try survey.reached(side), survey.carried[side]?.tables ?? [], writes: side == .new)
    }

    init(on connection: Connection, _ tables: [CarriedTable], writes: Bool) {
        self.connection = connection
        self.writes = writes
        carried = tables.filter { ["r", "p"].contains($0.kind) }
    }

    func failures() throws(PostgresError) -> [Failure] {
        // An index that is being built keeps writers away, and no reader.
        let modes = writes ? "Share,ShareRowExclusive,Exclusive,AccessExclusive" : "AccessExclusive"
        let locked = Set(
            try connection.query(
                """
                SELECT relation FROM pg_locks WHERE locktype = 'relation'
                   AND mode = ANY (SELECT m || 'Lock' FROM unnest(string_to_array($1, ',')) m)
                """, [modes], doing: "looking for locks on \(connection.label)"
            ).all.map(\.first))
        let tables = carried.filter { !locked.contains("\($0.oid)") }
        var failures: [Failure] = []
        for start in stride(from: 0, to: tables.count, by: Self.portion) {
            try attempt(tables[start..<min(start + Self.portion, tables.count)], &failures)
        }
        return failures
    }

    private func attempt(_ tables: ArraySlice<CarriedTable>, _ failures: inout [Failure]) throws(PostgresError) {
        do throws(PostgresError) {
            try connection.query(
                writes ? Self.writing(tables) : Self.reading(tables),
                doing: "trying tables of \(connection.label)")
        } catch {
            guard error.sqlState != nil else { throw error }
            if tables.count > 1 {
                let middle = tables.startIndex + tables.count / 2
                try attempt(tables[..<middle], &failures)
                try attempt(tables[middle...], &failures)
            } else if let table = tables.first, error.sqlState != "42P01" {
                failures.append(try failure(table, error))
            }
        }
    }

    private func failure(_ table: CarriedTable, _ error: PostgresError) throws(PostgresError) -> Failure {
        guard error.lacksPrivilege else { return Failure(table: table, error: error, isRowSecurity: false) }
        let rights = writes ? ["SELECT", "INSERT", "UPDATE", "DELETE"] : ["SELECT"]
        let held = rights.map { "has_table_privilege(c.oid, '\($0)')" }.joined(separator: " AND ")
        let row = try connection.query(
            """
            SELECT c.relrowsecurity AND has_schema_privilege(c.relnamespace, 'USAGE') AND \(held)
              FROM pg_class c WHERE c.oid = $1::oid
            """, ["\(table.oid)"], doing: "looking why \(table.name) cannot be used on \(connection.label)")
        return Failure(table: table, error: error, isRowSecurity: row.rows == 1 && row.bool(0, 0))
    }

    private static func reading(_ tables: ArraySlice<CarriedTable>) -> String {
        tables.map { "SELECT FROM \($0.asItIs) WHERE false" }.joined(separator: " UNION ALL ")
    }

    private static func writing(_ tables: ArraySlice<CarriedTable>) -> String {
        let writes = tables.map { table in
            "i\(table.oid) AS (INSERT INTO \(table.name.sql) DEFAULT VALUES), d\(table.oid) AS (DELETE FROM \(table.asItIs)"
                + " WHERE false)"
        }
        let reads = tables.map { "SELECT FROM (SELECT FROM \($0.asItIs) WHERE false FOR UPDATE) u" }
        return "EXPLAIN (COSTS off) WITH \(writes.joined(separator: ", ")) \(reads.joined(separator: " UNION ALL "))"
    }
}

extension CarriedTable {
    /// In SQL, without what inherits from it.
    var asItIs: String { (isPartitioned ? "" : "ONLY ") + name.sql }
}
