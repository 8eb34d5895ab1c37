// The types that carried columns have, as far as somebody defined them: enums, domains, composites, ranges, and what those
// are made of. All user-defined types are read at once, and those that are reached are kept.

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

    func describe(_ used: Set<UInt32>, into description: inout SchemaDescription) throws(PostgresError) {
        let all = try definitions()
        var (waiting, seen) = (Array(used), used)
        while let type = waiting.popLast() {
            guard let definition = all[type] else { continue }
            if !definition.traits.isEmpty {
                for (trait, value) in definition.traits { description.add(definition.object, [trait: value]) }
            }
            for part in definition.madeOf where seen.insert(part).inserted { waiting.append(part) }
        }
    }

    private func definitions() throws(PostgresError) -> [UInt32: Definition] {
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
             WHERE t.oid >= 16384 AND n.nspname NOT IN ('tandem') AND coalesce(c.relkind = 'c', true)
            """
        let rows = try connection.query(sql, doing: "reading types on \(connection.label)")
        var found: [UInt32: Definition] = [:]
        for row in 0..<rows.rows {
            guard let oid = UInt32(rows.string(row, 0)) else { continue }
            let name = QualifiedName(schema: rows.string(row, 1), name: rows.string(row, 2))
            var traits: [(String, String?)] = [
                ("labels", rows.text(row, 5)), ("domain over", rows.text(row, 6)), ("not null", rows.text(row, 7)),
                ("default", rows.text(row, 8)), ("collation", rows.text(row, 9)), ("checks", rows.text(row, 10)),
                ("fields", rows.text(row, 11)), ("range of", rows.text(row, 12)),
            ]
            // An array is told by its elements, and a type of C code by its extension.
            if !["e", "d", "c", "r"].contains(rows.string(row, 3)) { traits = [] }
            found[oid] = Definition(
                object: SchemaObject(.type, name),
                madeOf: rows.string(row, 4).split(separator: ",").compactMap { UInt32($0) },
                traits: traits)
        }
        return found
    }
}
