// The judge: both sides print the same, and the types' own send functions write the same bytes.

import TestSupport
import Testing

func expectSameValues(_ scenario: Scenario, at location: SourceLocation = #_sourceLocation) throws {
    let differences = try Fingerprint.expectEqual(old: scenario.old, new: scenario.new)
    let shown = try differences.prefix(3).map { try both(scenario, String($0.prefix { $0 != ":" })) }
    #expect(differences == [], "\(shown.joined(separator: "\n"))", sourceLocation: location)
    let queries = try sendQueries(scenario.old)
    guard !queries.isEmpty else { return }
    let script = "SET search_path = ''; SET TimeZone = 'UTC';\n" + queries.joined(separator: ";\n")
    let (left, right) = (try scenario.old.sql(script), try scenario.new.sql(script))
    let lines = zip(left.split(separator: "\n"), right.split(separator: "\n")).filter { $0 != $1 }
    #expect(left == right, "\(lines.map { "\($0) on old, \($1) on new" })", sourceLocation: location)
}

private func both(_ scenario: Scenario, _ table: String) throws -> String {
    let query = "SELECT left(t::text, 200) FROM \(table) AS t ORDER BY 1 LIMIT 30"
    return try [scenario.old, scenario.new].map { try $0.sql(query) }.joined(separator: "\n--\n")
}

/// Arrays and composites of the user's own types send their numbers along, which differ by right.
private func sendQueries(_ database: Database) throws -> [String] {
    let columns = try database.rows(
        """
        SELECT format('%I.%I', n.nspname, c.relname), quote_ident(a.attname), t.typsend::regproc
          FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
          JOIN pg_type t ON t.oid = a.atttypid
         WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND t.typsend <> 0
           AND n.nspname !~ '^(pg_|information_schema|tandem)' AND c.relname <> '_marker'
           AND t.typname !~ '^(reg|refcursor$|citext$)' AND (t.oid < 16384 OR t.typtype = 'e' OR t.typtype = 'b' AND t.typcategory <> 'A')
         ORDER BY 1, 2
        """)
    // Types that lend another one their send function cannot call it by name.
    return columns.map { row in
        let (table, column, send) = (row[0] ?? "", row[1] ?? "", row[2] ?? "")
        return "SELECT \(sqlLiteral("\(table).\(column)")), md5(string_agg(b, ',' ORDER BY b COLLATE \"C\"))"
            + " FROM (SELECT coalesce(encode(\(send)(\(column)), 'hex'), 'NULL') AS b FROM \(table)) x"
    }
}
