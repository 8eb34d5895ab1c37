// What stands in the way of Data B, or will be slow or coarse, before anything runs. Reads catalogs of both sides, changes
// nothing.

internal import Apply
internal import Configuration
internal import Model
package import Postgres
internal import State
internal import Threading

package struct DerivedExamination {
    package enum Topic: Sendable {
        case tables, columns, keys, indexes, views, statistics, reading, locking
    }

    package struct Finding: Sendable {
        package let object: String
        package let what: String
        package let remedy: String?
    }

    private let plan: DataBPlan
    private let old: Connection
    private let new: Connection?
    /// Tandem makes on new what is not there.
    private let makesTables: Bool

    package init(_ plan: DataBPlan, old: Connection, new: Connection?, makesTables: Bool) {
        (self.plan, self.old, self.new, self.makesTables) = (plan, old, new, makesTables)
    }

    package func findings(_ topic: Topic) throws -> [Finding] {
        if topic == .statistics { return try statistics() }
        return try plan.tables.compactMap { table in
            let given = try RelationFacts.read(table.name, on: old)
            guard let given else {
                return topic == .tables
                    ? Finding(
                        object: table.name.description, what: "is not there on old",
                        remedy: "correct `data_b` in the configuration") : nil
            }
            switch topic {
            case .tables: return try tables(table)
            case .columns: return try columns(table, given)
            case .keys: return try keys(table, given)
            case .indexes: return indexes(table, given)
            case .views: return try views(table, given)
            case .reading: return try privilege("SELECT", table, "cannot be read on old by tandem's role")
            case .locking:
                return given.isTable
                    ? try privilege(
                        "UPDATE", table,
                        "cannot be locked on old by tandem's role: `tandem b final` does so for a moment")
                    : nil
            case .statistics: return nil
            }
        }
    }

    private func tables(_ table: DerivedTable) throws -> Finding? {
        guard !makesTables, let new, try RelationFacts.read(table.name, on: new) == nil else { return nil }
        return Finding(object: table.name.description, what: "is not there on new", remedy: "create it as on old")
    }

    private func columns(_ table: DerivedTable, _ given: RelationFacts) throws -> Finding? {
        if let name = table.column, given.column(name)?.stamp == nil {
            let type = given.column(name).map { "is \($0.type), which tells no time" } ?? "is not there"
            return Finding(
                object: table.name.description, what: "follows column \(visiblyQuoted(name)), which \(type)",
                remedy: "`modified` takes a timestamp with or without time zone, or a date; otherwise `refresh: full`")
        }
        guard let new, try RelationFacts.read(table.name, on: new) != nil else { return nil }
        do {
            _ = try DerivedLayout.look(table, plan, source: old, target: new, stop: StopSignal())
            return nil
        } catch let error as any Explained where !(error is PostgresError) {
            return Finding(
                object: table.name.description, what: "cannot be laid over new's: \(error)", remedy: error.hint)
        }
    }

    private func keys(_ table: DerivedTable, _ given: RelationFacts) throws -> Finding? {
        guard given.isTable, try (UniqueKeys.of(table.name, on: old) ?? []).isEmpty else { return nil }
        let name = table.name.pasteable
        let how =
            table.column == nil
            ? "when a row differs, all of it is replaced on new"
            : "rows are told apart by all columns, and what a row was before stays on new until the next comparison"
        return Finding(
            object: table.name.description, what: "has no unique key that is never NULL: \(how)",
            remedy: "ALTER TABLE \(name) ADD PRIMARY KEY (…);" + (table.column == nil ? "" : " or `refresh: full`"))
    }

    private func indexes(_ table: DerivedTable, _ given: RelationFacts) -> Finding? {
        guard let name = table.column, let column = given.column(name), !column.isIndexed, given.isTable else {
            return nil
        }
        return Finding(
            object: table.name.description,
            what: "has no index on \(visiblyQuoted(name)): each batch reads the whole table on old",
            remedy: "CREATE INDEX CONCURRENTLY ON \(table.name.pasteable) (\(visiblyQuoted(name)));")
    }

    private func views(_ table: DerivedTable, _ given: RelationFacts) throws -> Finding? {
        guard given.isView else { return nil }
        let taking = try new.flatMap { try RelationFacts.read(table.name, on: $0) }
        guard taking?.isView ?? true, let stranger = try ViewRefresh.notCarried(table.name, plan.selection, on: old)
        else {
            return nil
        }
        return Finding(
            object: table.name.description,
            what: "is a materialized view over \(stranger), which nothing carries: new cannot fill it",
            remedy: "carry \(stranger) too; or make a table of that name on new, with the view's columns")
    }

    private func statistics() throws -> [Finding] {
        guard plan.tables.contains(where: { $0.column != nil }) else { return [] }
        let may = try old.query(
            "SELECT pg_has_role('pg_read_all_stats', 'USAGE')", doing: "looking at privileges on \(old.label)")
        guard !may.bool(0, 0) else { return [] }
        return [
            Finding(
                object: "old",
                what: "does not tell tandem's role since when transactions are open, and batches need it",
                remedy: "GRANT pg_read_all_stats TO \(visiblyQuoted(old.role));")
        ]
    }

    private func privilege(_ privilege: String, _ table: DerivedTable, _ what: String) throws -> Finding? {
        let may = try old.query(
            """
            SELECT has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, $3)
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2
            """, [table.name.schema, table.name.name, privilege], doing: "looking at privileges on \(old.label)")
        guard may.rows == 1, !may.bool(0, 0) else { return nil }
        return Finding(
            object: table.name.description, what: what,
            remedy: "GRANT USAGE ON SCHEMA \(visiblyQuoted(table.name.schema)) TO \(visiblyQuoted(old.role)); GRANT"
                + " \(privilege) ON \(table.name.pasteable) TO \(visiblyQuoted(old.role));")
    }
}
