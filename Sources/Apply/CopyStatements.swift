// The two statements that carry a table's rows from one side to the other by COPY, laid over new's table exactly as the
// stream lays its changes: columns by name, the same refusals by name, the same rule for what may travel in binary.

internal import Assembly
internal import Batching
package import Model
package import Postgres
package import State
package import Threading

package struct CopyStatements: Sendable {
    /// What follows `COPY` on the source: a query, or table and columns.
    let rows: String
    /// No value is read otherwise than it is stored.
    private let isPlain: Bool
    let columns: String
    /// The columns that are carried, which have the same names on both sides.
    package let names: [String]
    let table: QualifiedName
    private let source: QualifiedName
    package let isBinary: Bool
    /// The table on new that the rows go to, and whether other tables of the source go there as well.
    package let destination: QualifiedName
    package let isShared: Bool
    /// How statements name it, its children left out.
    package let destinationSQL: String
    /// By which rows are read again that have changed while others were read; nil when that cannot be done.
    package let key: CopyKey?
    /// Why that cannot be done.
    package let indivisible: String?
    /// The source finds the rows of some pages by itself, as PostgreSQL does from 14 on.
    package let readsRanges: Bool

    /// How rows are told that may be of any size; nil when none can be.
    let wide: WideRows?
    /// Some value lies outside its row, or may.
    let hasAside: Bool

    var format: String { isBinary ? "binary" : "text" }

    /// All rows, or those of some pages. `elsewhere`: on a server that may hold newer ones than the table was looked at on.
    package func read(_ range: PageRange?, elsewhere: Bool) -> CopyQuery {
        CopyQuery(
            rows: rows, from: "ONLY \(source.sql)",
            where: range.map { readsRanges ? $0.condition : $0.listed },
            relation: isPlain && range == nil ? source.sql : nil, isBinary: isBinary,
            wide: elsewhere || hasAside ? wide : nil)
    }

    /// The rows with these keys, given part by part: each row once, however often its key is given otherwise written.
    package func read(again values: [[String]], of key: CopyKey) -> CopyQuery {
        CopyQuery(
            rows: rows, from: "\(key.given(values)) JOIN ONLY \(source.sql) AS t ON \(key.matchesOnSource)", where: nil,
            isBinary: isBinary, wide: wide)
    }

    package var write: String { "COPY \(table.sql)\(columns) FROM STDIN (FORMAT \(format))" }
}

/// Rows by the page they lie on.
package struct PageRange: Sendable, Hashable {
    package let first: Int
    /// Nil: to the end of the table, however far that is by then.
    package let end: Int?

    package init(first: Int, end: Int?) {
        self.first = first
        self.end = end
    }

    var condition: String {
        "ctid >= '(\(first),0)'::tid" + (end.map { " AND ctid < '(\($0),0)'::tid" } ?? "")
    }

    /// The same with every place named where a row can lie, for a server that would read the whole table otherwise.
    var listed: String {
        guard let end else { return condition }
        return """
            ctid = ANY (ARRAY(SELECT format('(%s,%s)', page, place)::tid FROM generate_series(\(first), \(end - 1)) AS page,
            generate_series(1, (current_setting('block_size')::int4 - 24) / 28) AS place))
            """
    }
}

extension CopyStatements {
    /// Looks at both sides. `source` and `target` are connections of the calling thread.
    package init(
        _ leaf: SourceLeaf, stream: StreamName, source: ConnectionTarget, on connection: Connection, target: Connection,
        stop: StopSignal
    ) throws {
        let shape = leaf.shape
        let travels = shape.columns.allSatisfy { WireTypes.travelsInBinary($0.type) }
        let setup = ApplySetup(
            stream: stream, source: source, target: source, book: ShapeBook(), isBinary: travels)
        let mapper = Mapper(
            catalog: TargetCatalog(connection: target), source: SourceRows(setup, stop: stop), book: setup.book,
            isBinary: travels)
        let destination = try mapper.destination(shape)
        let mapping = try mapper.map(shape, to: destination, number: 0, equal: [])
        if mapping.table.appliesRules {
            throw MappingProblem(
                table: shape.name,
                description: "rules of \(mapping.table.name) on new apply to replication, and COPY passes rules by",
                hint: "on new: ALTER TABLE \(mapping.table.name.pasteable) DISABLE RULE …, until the table is copied")
        }
        let empty = leaf.generated.filter { name in
            mapping.table.columns.contains { sameName($0.name, name) && !$0.isGenerated }
        }
        if let name = empty.first {
            throw MappingProblem(
                table: shape.name,
                description: "old generates column \(visiblyQuoted(name)) of \(shape.name), and new does not",
                hint: "drop it on new and add it as it is on old; its copy then begins by itself")
        }
        self.source = leaf.name
        table = mapping.table.name
        self.destination = mapping.table.name
        destinationSQL = mapping.table.sql
        isShared = try destination.isWhole || Self.takesOthers(mapping.table.name, leaf.name, connection, target)
        key =
            isShared || leaf.key.isEmpty
            ? nil : try CopyKey(leaf, TargetCatalog(connection: connection).table(leaf.name, number: 0), mapping)
        indivisible =
            isShared
            ? "its rows share a table on new with those of other tables"
            : leaf.key.isEmpty
                ? "it has no key by which its rows can be told apart"
                : key == nil ? "its key is not compared by an operator of PostgreSQL's own" : nil
        readsRanges = connection.serverMajor >= 14
        let carried = mapping.plan.carried
        isBinary = travels && carried.allSatisfy { mapping.column($0).isVerbatim }
        rows = carried.map { Self.value(shape.columns[$0].name, mapping.column($0)) }.joined(separator: ", ")
        isPlain = !carried.isEmpty && carried.allSatisfy { mapping.column($0).limit == nil }
        wide = WideRows(
            carried.map { index in
                let name = shape.columns[index].name
                return WideRows.Column(
                    name: name, value: Self.value(name, mapping.column(index)), type: leaf.unbounded[index])
            }, isBinary: isBinary, tellsCompression: connection.serverMajor >= 14)
        hasAside = leaf.aside != 0
        names = carried.map { mapping.column($0).target.name }
        columns = names.isEmpty ? "" : " (" + names.map { quoted($0) }.joined(separator: ", ") + ")"
    }

    /// Rows of partitions that new does not have go to its default partition.
    private static func takesOthers(
        _ table: QualifiedName, _ leaf: QualifiedName, _ source: Connection, _ target: Connection
    ) throws(PostgresError) -> Bool {
        let isDefault = try target.query(
            """
            SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                            WHERE n.nspname = $1 AND c.relname = $2 AND pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT')
            """, [table.schema, table.name], doing: "looking up \(table)"
        ).bool(0, 0)
        guard isDefault else { return false }
        let all = try source.query(
            """
            SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
              FROM pg_class o JOIN pg_namespace s ON s.oid = o.relnamespace
             CROSS JOIN LATERAL pg_partition_tree(pg_partition_root(o.oid)) t
              JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE s.nspname = $1 AND o.relname = $2 AND t.isleaf
            """, [leaf.schema, leaf.name], doing: "looking up the partitions beside \(leaf)")
        for row in 0..<all.rows {
            let isThere = try target.query(
                "SELECT pg_catalog.to_regclass($1) IS NOT NULL", [all.string(row, 0)], doing: "looking up \(table)")
            if !isThere.bool(0, 0) { return true }
        }
        return all.rows == 0
    }

    /// A string that new's column would cut blanks off is made to fail there.
    private static func value(_ name: String, _ column: MappedColumn) -> String {
        let own = quoted(name)
        guard let limit = column.limit else { return own }
        return "CASE WHEN pg_catalog.char_length(\(own)) > \(limit) THEN \(own) || '.' ELSE \(own) END"
    }
}
