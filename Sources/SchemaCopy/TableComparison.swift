// Tables that new has already, against old's: whether every row of old's has a place in new's. New may have further
// columns, wider types, other indexes. Finds, never changes.

internal import Model
package import Postgres

package struct TableComparison {
    struct Column: Equatable {
        let name: String
        let type: String
        let isNotNull: Bool
        let identity: String
        let generated: String
        let hasDefault: Bool
    }

    struct Table {
        let name: QualifiedName
        let kind: String
        let isUnlogged: Bool
        var columns: [Column] = []
    }

    package private(set) var differences: [TableDifference] = []

    var problems: [SchemaProblem] { differences.compactMap(\.problem) }
    var notes: [String] { differences.compactMap(\.note) }

    package init(_ names: [(old: UInt32, new: UInt32)], old: Connection, new: Connection) throws(PostgresError) {
        let left = try Self.tables(names.map(\.old), on: old)
        let right = try Self.tables(names.map(\.new), on: new)
        for (one, other) in names {
            guard let one = left[one], let other = right[other] else { continue }
            compare(one, other)
        }
    }

    private static func tables(_ oids: [UInt32], on connection: Connection) throws(PostgresError) -> [UInt32: Table] {
        let sql = """
            SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence = 'u',
                   a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
                   a.atthasdef
              FROM pg_catalog.pg_class c
              JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
              LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
             WHERE c.oid = ANY ($1::pg_catalog.oid[])
             ORDER BY c.oid, a.attnum
            """
        let list = "{\(oids.map { "\($0)" }.joined(separator: ","))}"
        let rows = try connection.query(sql, [list], doing: "reading columns on \(connection.label)")
        var tables: [UInt32: Table] = [:]
        for row in 0..<rows.rows {
            guard let oid = rows.text(row, 0).flatMap({ UInt32($0) }) else { continue }
            let name = QualifiedName(schema: rows.string(row, 1), name: rows.string(row, 2))
            var table = tables[oid] ?? Table(name: name, kind: rows.string(row, 3), isUnlogged: rows.bool(row, 4))
            if let column = rows.text(row, 5) {
                table.columns.append(
                    Column(
                        name: column, type: rows.string(row, 6), isNotNull: rows.bool(row, 7),
                        identity: rows.string(row, 8), generated: rows.string(row, 9), hasDefault: rows.bool(row, 10)))
            }
            tables[oid] = table
        }
        return tables
    }

    private mutating func compare(_ old: Table, _ new: Table) {
        guard ["r", "p"].contains(new.kind) else {
            return refuse(.kind, old, "on new is not a table", remedy: "Rename or drop what has its name on new.")
        }
        if new.isUnlogged && !old.isUnlogged {
            refuse(.unlogged, old, "is unlogged on new", remedy: "ALTER TABLE \(old.name.pasteable) SET LOGGED;")
        }
        for column in old.columns {
            if let other = new.columns.first(where: { sameName($0.name, column.name) }) {
                compare(old, column, other)
            } else if column.generated.isEmpty {
                refuse(
                    .missingColumn, old, "has no column \(visiblyQuoted(column.name)) on new",
                    remedy: "ALTER TABLE \(old.name.pasteable) ADD COLUMN \(visiblyQuoted(column.name)) \(column.type);"
                )
            }
        }
        for column in new.columns where !old.columns.contains(where: { sameName($0.name, column.name) }) {
            let isFilled = column.hasDefault || !column.identity.isEmpty || !column.generated.isEmpty
            guard column.isNotNull, !isFilled else { continue }
            refuse(
                .extraColumn, old,
                "has column \(visiblyQuoted(column.name)) on new, which old lacks and which must be given a value",
                remedy: "ALTER TABLE \(old.name.pasteable) ALTER COLUMN \(visiblyQuoted(column.name)) SET DEFAULT …;")
        }
    }

    private mutating func compare(_ table: Table, _ old: Column, _ new: Column) {
        let (alter, name) = ("ALTER TABLE \(table.name.pasteable)", visiblyQuoted(old.name))
        if old.generated.isEmpty != new.generated.isEmpty {
            if old.generated.isEmpty {
                refuse(
                    .generated, table, "has column \(name) generated on new, but not on old",
                    remedy: "\(alter) ALTER COLUMN \(name) DROP EXPRESSION;")
            } else {
                refuse(
                    .generated, table,
                    "has column \(name) as an ordinary one on new, which old generates and does not send",
                    remedy: "Drop the column on new, and add it as it is on old.")
            }
        }
        if old.type != new.type {
            if ColumnType.takes(new.type, everythingOf: old.type) {
                note(.widerType, table, "column \(name) is \(new.type) on new, \(old.type) on old")
            } else {
                refuse(
                    .narrowerType, table, "has column \(name) as \(new.type) on new, but as \(old.type) on old",
                    remedy: "\(alter) ALTER COLUMN \(name) TYPE \(old.type);")
            }
        }
        if new.isNotNull && !old.isNotNull {
            refuse(
                .nullability, table, "has column \(name) NOT NULL on new, but not on old",
                remedy: "\(alter) ALTER COLUMN \(name) DROP NOT NULL;")
        } else if old.isNotNull && !new.isNotNull {
            note(.nullability, table, "column \(name) is NOT NULL on old, but not on new")
        }
        if old.identity != new.identity {
            note(.identity, table, "column \(name) differs in GENERATED … AS IDENTITY")
        }
    }

    private mutating func refuse(_ kind: TableDifference.Kind, _ table: Table, _ what: String, remedy: String) {
        differences.append(
            TableDifference(kind: kind, table: table.name, message: what, remedy: remedy, stands: true))
    }

    private mutating func note(_ kind: TableDifference.Kind, _ table: Table, _ what: String) {
        differences.append(TableDifference(kind: kind, table: table.name, message: what, remedy: nil, stands: false))
    }
}
