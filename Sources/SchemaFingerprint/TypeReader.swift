// The types that carried columns have, as far as somebody defined them: enums, domains, composites, ranges, and what those
// are made of: read by the columns' types, then by what those are made of, until nothing new is reached.

internal import Model
internal import Postgres

struct TypeReader {
    private struct Definition {
        let object: SchemaObject
        let madeOf: [UInt32]
        let traits: [(String, String?)]
    }

    let connection: Connection

    init(_ connection: Connection) { self.connection = connection }

    /// Types below this number came with the server.
    private static let firstOfUsers: UInt32 = 16384

    func describe(_ used: Set<UInt32>, into description: inout SchemaDescription) throws(PostgresError) {
        var seen: Set<UInt32> = []
        var waiting = used.filter { $0 >= Self.firstOfUsers }
        while !waiting.isEmpty {
            seen.formUnion(waiting)
            let definitions = try definitions(of: waiting)
            for definition in definitions {
                for (trait, value) in definition.traits { description.add(definition.object, [trait: value]) }
            }
            waiting = Set(definitions.flatMap(\.madeOf)).filter { $0 >= Self.firstOfUsers }.subtracting(seen)
        }
    }

    private func definitions(of types: Set<UInt32>) throws(PostgresError) -> [Definition] {
        let sql = """
            SELECT t.oid, n.nspname, t.typname, t.typtype,
                   array_to_string(ARRAY(SELECT unnest(ARRAY[nullif(t.typelem, 0), nullif(t.typbasetype, 0), r.rngsubtype])
                       UNION ALL SELECT a.atttypid FROM pg_attribute a
                                  WHERE a.attrelid = nullif(t.typrelid, 0) AND a.attnum > 0 AND NOT a.attisdropped), ','),
                   (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum e
                     WHERE e.enumtypid = t.oid),
                   CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
                   CASE WHEN t.typtype = 'd' AND t.typnotnull THEN 'yes' END,
                   CASE t.typtype WHEN 'd' THEN t.typdefault END,
                   CASE WHEN t.typtype = 'd' AND t.typcollation <> b.typcollation THEN t.typcollation::regcollation::text END,
                   CASE t.typtype WHEN 'd' THEN (
                        SELECT string_agg(quote_ident(k.conname) || ' ' || pg_get_constraintdef(k.oid), '; ' ORDER BY k.conname)
                          FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c') END,
                   CASE t.typtype WHEN 'c' THEN (
                        SELECT string_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
                               || CASE WHEN a.attcollation <> at.typcollation
                                       THEN ' collate ' || a.attcollation::regcollation::text ELSE '' END,
                               ', ' ORDER BY a.attnum)
                          FROM pg_attribute a JOIN pg_type at ON at.oid = a.atttypid
                         WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) END,
                   CASE t.typtype WHEN 'r' THEN format_type(r.rngsubtype, NULL)
                        || CASE WHEN r.rngcollation <> 0 AND r.rngcollation <> rs.typcollation
                                THEN ' collate ' || r.rngcollation::regcollation::text ELSE '' END END
              FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
              LEFT JOIN pg_type b ON b.oid = t.typbasetype
              LEFT JOIN pg_range r ON r.rngtypid = t.oid
              LEFT JOIN pg_type rs ON rs.oid = r.rngsubtype
              LEFT JOIN pg_class c ON c.oid = t.typrelid
             WHERE t.oid = ANY ($1::oid[]) AND n.nspname NOT IN ('tandem') AND coalesce(c.relkind = 'c', true)
            """
        let list = "{\(types.map { "\($0)" }.joined(separator: ","))}"
        let rows = try connection.query(sql, [list], doing: "reading types on \(connection.label)")
        return (0..<rows.rows).map { row in
            let name = QualifiedName(schema: rows.string(row, 1), name: rows.string(row, 2))
            var traits: [(String, String?)] = [
                ("labels", rows.text(row, 5)), ("domain over", rows.text(row, 6)), ("not null", rows.text(row, 7)),
                ("default", rows.text(row, 8)), ("collation", rows.text(row, 9)), ("checks", rows.text(row, 10)),
                ("fields", rows.text(row, 11)), ("range of", rows.text(row, 12)),
            ]
            // An array is told by its elements, and a type of C code by its extension.
            if !["e", "d", "c", "r"].contains(rows.string(row, 3)) { traits = [] }
            return Definition(
                object: SchemaObject(.type, name),
                madeOf: rows.string(row, 4).split(separator: ",").compactMap { UInt32($0) },
                traits: traits)
        }
    }
}
