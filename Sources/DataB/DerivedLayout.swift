// One table of Data B laid over its table on the other side: what it is on both, by which key rows are found, how they
// travel. Looked up afresh for every piece of work that moves rows, because either side may have been altered.

internal import Apply
internal import Model
internal import Postgres
internal import State
internal import Threading

struct DerivedLayout {
    struct KeyColumn {
        let name: String
        let sourceType: String
        let targetType: String
    }

    let table: DerivedTable
    /// How statements name it on either side, children left out.
    let source: String
    let target: String
    let sourceFacts: RelationFacts
    let statements: CopyStatements
    /// Empty when rows are told apart by nothing but themselves.
    let key: [KeyColumn]
    /// Old has a key that new does not: it may be about to be made.
    let lacksKey: Bool
    let stage: StageStatements

    var names: [String] { statements.names }

    /// The timestamp, for tables that have one.
    let stamp: (column: String, type: RelationFacts.Stamp, isIndexed: Bool)?

    /// Nil when it is a view on both sides and nothing is carried.
    static func look(
        _ table: DerivedTable, _ plan: DataBPlan, source: Connection, target: Connection, stop: StopSignal
    ) throws -> DerivedLayout? {
        guard let given = try RelationFacts.read(table.name, on: source) else {
            throw DataBError.impossible("\(table.name) is not there on \(source.label)", hint: nil)
        }
        guard let taking = try RelationFacts.read(table.name, on: target) else {
            throw DataBError.impossible(
                "\(table.name) is not there on \(target.label)",
                hint: "create it as on the other side; it is then brought along by itself")
        }
        if taking.isView {
            guard table.column == nil, given.kind == "m" || given.kind == "v" else {
                throw DataBError.impossible(
                    "\(table.name) is a materialized view on \(target.label), which cannot be written",
                    hint: "`refresh: full`, when it is one on the other side too; otherwise make it a table there")
            }
            return nil
        }
        if taking.isUnlogged {
            throw DataBError.impossible(
                "\(table.name) is unlogged on \(target.label): a crash would empty it",
                hint: "ALTER TABLE \(table.name.pasteable) SET LOGGED;")
        }
        return try DerivedLayout(table, plan, given, taking, source, target, stop)
    }

    private init(
        _ table: DerivedTable, _ plan: DataBPlan, _ given: RelationFacts, _ taking: RelationFacts, _ source: Connection,
        _ target: Connection, _ stop: StopSignal
    ) throws {
        guard let leaf = try SourceSide(source, plan.stream).relation(table.name) else {
            throw DataBError.impossible("\(table.name) is not there on \(source.label)", hint: nil)
        }
        self.table = table
        sourceFacts = given
        statements = try CopyStatements(
            leaf, stream: plan.stream, source: plan.source, on: source, target: target, stop: stop)
        guard statements.destination == table.name else {
            throw DataBError.impossible(
                "\(table.name) is a partition, and part of another table on \(target.label)",
                hint: "name the partitioned table instead")
        }
        guard !statements.names.isEmpty else {
            throw DataBError.impossible("\(table.name) has no columns that could be carried", hint: nil)
        }
        self.source = given.sql(table.name)
        self.target = statements.destinationSQL
        let found = try Self.key(table.name, given, statements.names, source, target)
        lacksKey = found.lacks
        key = found.key.map { name in
            KeyColumn(
                name: name, sourceType: given.column(name)?.type ?? "text",
                targetType: taking.column(name)?.type ?? "text")
        }
        let names = statements.names
        stamp = try table.column.map { try Self.stamp($0, table, given, names) }
        let fixed = taking.columns.filter(\.isIdentityAlways).map(\.name)
        stage = StageStatements(
            table: table.name.sql, target: self.target, names: names, key: found.key,
            settable: names.filter { name in !fixed.contains { sameName($0, name) } }, telling: stamp?.column)
    }

    /// The first key of the written side that the read side has, too. A view has none: there the written side's must do.
    private static func key(
        _ name: QualifiedName, _ given: RelationFacts, _ carried: [String], _ source: Connection, _ target: Connection
    ) throws(PostgresError) -> (key: [String], lacks: Bool) {
        func set(_ names: [String]) -> Set<[UInt8]> { Set(names.map { Array($0.utf8) }) }
        let wanted = try (UniqueKeys.of(name, on: target) ?? []).filter { set($0).isSubset(of: set(carried)) }
        guard given.isTable else { return (wanted.first ?? [], false) }
        let own = try (UniqueKeys.of(name, on: source) ?? []).filter { set($0).isSubset(of: set(carried)) }
        let first = wanted.first { candidate in own.contains { set($0) == set(candidate) } }
        return (first ?? [], first == nil && !own.isEmpty)
    }

    private static func stamp(
        _ column: String, _ table: DerivedTable, _ given: RelationFacts, _ carried: [String]
    ) throws -> (column: String, type: RelationFacts.Stamp, isIndexed: Bool) {
        guard let found = given.column(column), carried.contains(where: { sameName($0, column) }) else {
            throw DataBError.impossible(
                "\(table.name) has no column \(visiblyQuoted(column))", hint: "correct `modified` in the configuration")
        }
        guard let stamp = found.stamp else {
            throw DataBError.impossible(
                "column \(visiblyQuoted(column)) of \(table.name) is \(found.type), which tells no time",
                hint: "`modified` takes a timestamp with or without time zone, or a date; otherwise `refresh: full`")
        }
        return (column, stamp, found.isIndexed)
    }
}
