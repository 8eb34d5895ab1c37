// One look at both sides before anything is made. All that stands in the way is collected and refused at once, so that
// hours of copying do not end with what could have been known.

internal import Model
internal import Postgres
internal import Threading

struct SchemaSurvey {
    private(set) var blueprint = Blueprint()
    let plan: SchemaPlan

    init(source: ConnectionTarget, target: ConnectionTarget, snapshot: String?, stop: StopSignal) throws {
        let old = try Connection(to: source, for: .control, as: "tandem schema", stop: stop)
        let new = try Connection(to: target, for: .control, as: "tandem schema", stop: stop)
        let tools = try ClientTools.find(atLeast: max(old.serverMajor, new.serverMajor), stop: stop)
        let (oldSide, newSide) = (SideReport(connection: old), SideReport(connection: new))
        let encoding = try oldSide.database().encoding == "SQL_ASCII" ? "SQL_ASCII" : "UTF8"
        let entries = try SchemaArchive.read(source, with: tools, encoding: encoding, snapshot: snapshot, stop: stop)
        let isSuperuser = try newSide.isSuperuser()

        blueprint.entries = entries
        blueprint.byID = Dictionary(entries.map { ($0.id, $0) }) { first, _ in first }
        blueprint.facts = try ObjectCatalog(connection: old).facts(of: entries.filter(\.isObject).map(\.reference))
        blueprint.tables = try ObjectCatalog(connection: old).tables()
        blueprint.tablespaces = try newSide.tablespaces()
        let newCatalog = ObjectCatalog(connection: new)
        let newTables = Dictionary(try newCatalog.tables().values.map { ($0.name, $0) }) { first, _ in first }
        let settlement = Settlement(
            blueprint: blueprint, existing: try newCatalog.identities(), newTables: newTables,
            newIsSuperuser: isSuperuser)
        blueprint.settled = settlement.settled()

        let common = Self.common(blueprint, newTables)
        let sides = try SideComparison(old: oldSide, new: newSide, entries: entries)
        let tables = try TableComparison(common.map { ($0.0.oid, $0.1.oid) }, old: old, new: new)
        let problems = sides.problems + tables.problems
        guard problems.isEmpty else { throw SchemaError.refused(problems) }
        plan = SchemaPlan(
            tables: Self.missing(blueprint), existing: common.map(\.0.name).sorted(),
            objects: entries.count - blueprint.settled.count,
            notCarried: try LeftBehind(old: oldSide, entries: entries, newIsSuperuser: isSuperuser).list(),
            notes: sides.notes + tables.notes + (try ObjectDifferences.find(old: old, new: new)))
    }

    /// Tables of the archive that new has something by the name of.
    private static func common(
        _ blueprint: Blueprint, _ newTables: [QualifiedName: ObjectCatalog.Table]
    ) -> [(ObjectCatalog.Table, ObjectCatalog.Table)] {
        blueprint.entries.filter { $0.kind == "TABLE" }.compactMap { entry in
            guard let table = blueprint.tables[entry.oid], let other = newTables[table.name] else { return nil }
            return (table, other)
        }
    }

    private static func missing(_ blueprint: Blueprint) -> [QualifiedName] {
        blueprint.entries.filter { $0.kind == "TABLE" && !blueprint.settled.contains($0.id) }
            .compactMap { blueprint.tables[$0.oid]?.name }.sorted()
    }
}
