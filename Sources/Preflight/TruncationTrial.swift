// Whether tandem's role may empty the carried tables of new. They are named in a TRUNCATE whose last table does not exist: the
// server looks at the rights to one after the other and then ends, with nothing emptied. For that moment it locks them, and
// waits for nobody: where somebody else holds one, and beside a stream that runs, the catalogs are asked instead.

internal import Model
internal import Postgres

struct TruncationTrial {
    private let survey: Survey
    private let connection: Connection
    private static let portion = 200

    init(_ survey: Survey) throws(PostgresError) {
        self.survey = survey
        connection = try survey.reached(.new)
    }

    /// Those it may not.
    func refused() throws(PostgresError) -> [CarriedTable] {
        let tables = (survey.carried[.new]?.tables ?? []).filter { ["r", "p"].contains($0.kind) }
        guard !survey.isFollowing else { return try asked(tables[...]) }
        var refused: [CarriedTable] = []
        for start in stride(from: 0, to: tables.count, by: Self.portion) {
            refused += try tried(tables[start..<min(start + Self.portion, tables.count)])
        }
        return refused
    }

    private func tried(_ tables: ArraySlice<CarriedTable>) throws(PostgresError) -> [CarriedTable] {
        let rehearsal = Rehearsal(connection, "trying to empty tables")
        let names = tables.map(\.asItIs) + ["pg_catalog.\(rehearsal.name)"]
        let refusal = try rehearsal.refusal(
            of: "SET LOCAL lock_timeout = '10ms'; TRUNCATE \(names.joined(separator: ", "))")
        switch refusal?.sqlState {
        case "42P01": return []
        case "42501" where tables.count == 1: return Array(tables)
        case "42501":
            let middle = tables.startIndex + tables.count / 2
            return try tried(tables[..<middle]) + tried(tables[middle...])
        default: return try asked(tables)
        }
    }

    private func asked(_ tables: ArraySlice<CarriedTable>) throws(PostgresError) -> [CarriedTable] {
        let numbers = "{\(tables.map { "\($0.oid)" }.joined(separator: ","))}"
        let lacking = Set(
            try connection.query(
                "SELECT x.oid FROM unnest($1::oid[]) AS x(oid) WHERE NOT has_table_privilege(x.oid, 'TRUNCATE')",
                [numbers], doing: "asking for rights on \(connection.label)"
            ).all.map(\.first))
        return tables.filter { lacking.contains("\($0.oid)") }
    }
}
