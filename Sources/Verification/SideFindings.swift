// What beside the rows must be the same on both sides: constraints and indexes there and valid, sequences not behind, the
// schema as its fingerprint tells it, statistics for the planner. Each finding says whether it makes the sides differ.

package import Model
internal import Postgres
internal import SchemaFingerprint
internal import Threading

package struct SideFinding: Sendable {
    package let text: String
    package let remedy: String?
    /// Otherwise it is only told.
    package let isDifference: Bool
}

package struct SideFindings {
    private let comparison: PairComparison
    private let isCarried: @Sendable (QualifiedName) -> Bool

    package init(_ comparison: PairComparison, isCarried: @escaping @Sendable (QualifiedName) -> Bool) {
        self.comparison = comparison
        self.isCarried = isCarried
    }

    /// With `sequences` new's are kept near old's, and are waited for.
    package func read(sequences: Bool) throws -> [SideFinding] {
        let isCarried = isCarried
        let schemas = try comparison.desks.both { _, connection in try SchemaReader(connection).describe(isCarried) }
        let indexes = try comparison.desks.both { _, connection in
            try Self.indexes(connection).filter { isCarried($0.table) }
        }
        return schema(schemas.old, schemas.new, sequences: sequences) + self.indexes(indexes.old, indexes.new)
            + (sequences ? try behind() : []) + (try withoutStatistics())
    }

    /// The side that counts, and the one that is held against it.
    private var from: Side { comparison.stream.source }
    private var to: Side { comparison.stream.target }

    // MARK: schema

    private func schema(
        _ old: SchemaDescription, _ new: SchemaDescription, sequences: Bool
    ) -> [SideFinding] {
        // What new has under another name it has.
        var definitions: Set<[String]> = []
        for (object, traits) in new.objects where object.kind == .constraint || object.kind == .index {
            definitions.insert([object.kind.rawValue, object.name.sql, traits["definition"] ?? ""])
        }
        var (findings, told): ([SideFinding], [String]) = ([], [])
        for difference in old.differences(to: new) {
            let object = difference.object
            let counts =
                switch object.kind {
                case .constraint, .index: true
                case .sequence: sequences
                case .table, .column, .trigger, .rule, .type: false
                }
            switch difference.change {
            case .vanished:
                let definition = old.objects[object]?["definition"] ?? ""
                guard !definitions.contains([object.kind.rawValue, object.name.sql, definition]) else { continue }
                // What never came to be there, or broke, nobody can make here.
                if object.kind == .index, old.objects[object]?["valid"] == "no" {
                    told.append("\(to) lacks \(object), which is not valid on \(from)")
                    continue
                }
                let remedy =
                    object.kind == .constraint
                    ? "ALTER TABLE \(object.name.pasteable) ADD CONSTRAINT \(visiblyQuoted(object.part)) \(definition);"
                    : nil
                findings.append(SideFinding(text: "\(to) lacks \(object)", remedy: remedy, isDifference: counts))
            case .altered(let trait, let there, let here):
                let text = "\(object): \(trait) is \(Self.shown(there)) on \(from), \(Self.shown(here)) on \(to)"
                if counts && object.kind != .sequence {
                    findings.append(SideFinding(text: text, remedy: nil, isDifference: true))
                } else {
                    told.append(text)
                }
            case .appeared: told.append("only \(to) has \(object)")
            }
        }
        guard !told.isEmpty else { return findings }
        let some = told.prefix(5).joined(separator: "; ") + (told.count > 5 ? "; and \(told.count - 5) more" : "")
        return findings + [
            SideFinding(text: "\(to)'s schema is not quite \(from)'s: \(some)", remedy: nil, isDifference: false)
        ]
    }

    private static func shown(_ value: String?) -> String {
        value.map { String(withoutControls($0).prefix(120)) } ?? "not set"
    }

    // MARK: indexes

    private struct Index: Sendable {
        let table: QualifiedName
        let name: String
        /// Method, columns, condition: all but its name.
        let content: String
        let isUnique: Bool
        let isValid: Bool
    }

    private static func indexes(_ connection: Connection) throws -> [Index] {
        let rows = try connection.query(
            """
            SELECT n.nspname, c.relname, x.relname, regexp_replace(pg_get_indexdef(i.indexrelid), '^.*? USING ', ''),
                   i.indisunique, i.indisvalid AND i.indisready
              FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
              JOIN pg_class x ON x.oid = i.indexrelid
             WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', 'tandem')
               AND n.nspname NOT LIKE 'pg\\_toast%'
             ORDER BY 1, 2, 3
            """, doing: "reading indexes on \(connection.label)")
        return (0..<rows.rows).map { row in
            Index(
                table: QualifiedName(schema: rows.string(row, 0), name: rows.string(row, 1)), name: rows.string(row, 2),
                content: rows.string(row, 3), isUnique: rows.bool(row, 4), isValid: rows.bool(row, 5))
        }
    }

    private func indexes(_ old: [Index], _ new: [Index]) -> [SideFinding] {
        var there: Set<[String]> = []
        for index in new where index.isValid { there.insert([index.table.sql, index.content]) }
        // Unique ones are spoken of by the schema.
        let lacking = old.filter { $0.isValid && !$0.isUnique && !there.contains([$0.table.sql, $0.content]) }
        var broken: Set<[String]> = []
        for index in old where !index.isValid { broken.insert([index.table.sql, index.content]) }
        let invalid = new.filter { !$0.isValid && !broken.contains([$0.table.sql, $0.content]) }
        return lacking.map {
            SideFinding(
                text: "\(to) lacks index \(visiblyQuoted($0.name)) of \($0.table)",
                remedy: "CREATE INDEX CONCURRENTLY ON \($0.table.pasteable) USING \(withoutControls($0.content));",
                isDifference: true)
        }
            + invalid.map {
                let name = QualifiedName(schema: $0.table.schema, name: $0.name)
                return SideFinding(
                    text: "index \(visiblyQuoted($0.name)) of \($0.table) on \(to) is not valid",
                    remedy: "REINDEX INDEX CONCURRENTLY \(name.pasteable);", isDifference: true)
            }
    }

    // MARK: sequences

    private struct Sequence: Sendable {
        let position: Int
        let isRising: Bool
    }

    private static func sequences(_ connection: Connection) throws -> [QualifiedName: Sequence] {
        let doing = "reading sequences on \(connection.label)"
        let rows = try connection.query(
            """
            SELECT schemaname, sequencename, last_value, increment_by > 0 FROM pg_catalog.pg_sequences
             WHERE schemaname <> 'tandem' AND last_value IS NOT NULL AND NOT cycle
            """, doing: doing)
        var found: [QualifiedName: Sequence] = [:]
        for row in 0..<rows.rows {
            let name = QualifiedName(schema: rows.string(row, 0), name: rows.string(row, 1))
            found[name] = Sequence(position: rows.int(row, 2) ?? 0, isRising: rows.bool(row, 3))
        }
        return found
    }

    /// They are brought along every few seconds: what is behind old as it was may catch up yet.
    private func behind() throws -> [SideFinding] {
        var wanted = try comparison.desks.old.ask { try Self.sequences($0) }
        for _ in 0..<15 {
            let there = try comparison.desks.new.ask { try Self.sequences($0) }
            wanted = wanted.filter { name, old in
                // One that is not there is told as such.
                guard let new = there[name] else { return false }
                return old.isRising ? new.position < old.position : new.position > old.position
            }
            if wanted.isEmpty || comparison.stop.wait(seconds: 1) { break }
        }
        return wanted.keys.sorted().map {
            SideFinding(
                text: "sequence \($0) on \(to) is behind \(from)'s", remedy: "a running `tandem run` brings it along",
                isDifference: true)
        }
    }

    // MARK: statistics

    private func withoutStatistics() throws -> [SideFinding] {
        let names = try comparison.desks.new.ask { try PlannerStatistics.missing(on: $0) }
        let carried = names.filter(isCarried)
        guard let first = carried.first else { return [] }
        let rest = carried.count > 1 ? " and \(carried.count - 1) more" : ""
        return [
            SideFinding(
                text: "\(to) has no planner's statistics of \(first)\(rest)", remedy: "ANALYZE; on \(to)",
                isDifference: false)
        ]
    }
}
