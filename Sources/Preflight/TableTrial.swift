// Reads from every carried table of old, without reading a row: many in one statement, and when that fails, fewer, until it
// is known which. What is locked just now is left out; that is a finding of its own.

internal import Model
internal import Postgres

struct TableTrial {
    private let survey: Survey
    private let old: Connection
    private static let portion = 200

    init(_ survey: Survey) throws {
        self.survey = survey
        old = try survey.reached(.old)
    }

    func failures() throws -> [Finding] {
        let locked = Set(
            try old.query(
                "SELECT relation FROM pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'",
                doing: "looking for locks on old"
            ).all.map(\.first))
        let tables = (survey.carried[.old]?.tables ?? []).filter { !locked.contains("\($0.oid)") }
        var findings: [Finding] = []
        for start in stride(from: 0, to: tables.count, by: Self.portion) {
            try read(tables[start..<min(start + Self.portion, tables.count)], &findings)
        }
        return findings
    }

    private func read(_ tables: ArraySlice<CarriedTable>, _ findings: inout [Finding]) throws {
        let parts = tables.map { "SELECT FROM \($0.isPartitioned ? "" : "ONLY ")\($0.name.sql) WHERE false" }
        do throws(PostgresError) {
            try old.query(parts.joined(separator: " UNION ALL "), doing: "reading tables of old")
        } catch {
            guard let state = error.sqlState else { throw error }
            if tables.count > 1 {
                let middle = tables.startIndex + tables.count / 2
                try read(tables[..<middle], &findings)
                try read(tables[middle...], &findings)
            } else if let table = tables.first, state != "42P01" {
                findings.append(failure(table, error))
            }
        }
    }

    private func failure(_ table: CarriedTable, _ error: PostgresError) -> Finding {
        let role = visiblyQuoted(old.role)
        let isMissing = error.sqlState == "42501"
        return Finding(
            table.name.description, "cannot be read on old: \(error.message)",
            mend: isMissing
                ? "GRANT SELECT ON \(table.name.pasteable) TO \(role);"
                    + " GRANT USAGE ON SCHEMA \(visiblyQuoted(table.name.schema)) TO \(role);" : nil)
    }
}
