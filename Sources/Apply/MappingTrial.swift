// Whether rows of a table would find their place on the other side, without a row having come: maps the table as the applier
// will when its first change arrives, and says what would block.

internal import Assembly
package import Model
package import Postgres
package import State
package import Threading

package struct MappingTrial {
    package struct Obstacle: Sendable {
        package let what: String
        package let hint: String?
    }

    private let mapper: Mapper

    /// `target` is a connection of the calling thread; the source is asked over one of its own.
    package init(_ stream: StreamName, source: ConnectionTarget, target: Connection, stop: StopSignal) {
        let setup = ApplySetup(stream: stream, source: source, target: source, book: ShapeBook(), isBinary: false)
        mapper = Mapper(
            catalog: TargetCatalog(connection: target), source: SourceRows(setup, stop: stop), book: setup.book,
            isBinary: false)
    }

    /// Nil when every row has a place.
    package func obstacle(_ leaf: SourceLeaf) throws -> Obstacle? {
        do {
            let destination = try mapper.destination(leaf.shape)
            let mapping = try mapper.map(leaf.shape, to: destination, number: 0, equal: [])
            return try unfilled(mapping)
        } catch let problem as MappingProblem {
            return Obstacle(what: problem.description, hint: problem.hint)
        }
    }

    /// Columns that must have a value there, and get none.
    private func unfilled(_ mapping: TableMapping) throws(PostgresError) -> Obstacle? {
        let (from, to) = (mapper.from, mapper.to)
        let rows = try mapper.catalog.connection.query(
            """
            SELECT a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
              JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull
               AND NOT a.atthasdef AND a.attidentity = '' AND a.attgenerated = '' ORDER BY a.attnum
            """, [mapping.table.name.schema, mapping.table.name.name],
            doing: "looking for columns of \(mapping.table.name) that must have a value")
        let lacking = (0..<rows.rows).map { rows.string($0, 0) }.filter { name in
            !mapping.shape.columns.contains { sameName($0.name, name) }
        }
        guard !lacking.isEmpty else { return nil }
        let names = lacking.map(visiblyQuoted).joined(separator: ", ")
        let drops = lacking.map { "ALTER COLUMN \(visiblyQuoted($0)) DROP NOT NULL" }.joined(separator: ", ")
        return Obstacle(
            what: "\(mapping.table.name) on \(to) must have a value for \(names), which \(from) does not have",
            hint: "on \(to): ALTER TABLE \(mapping.table.name.pasteable) \(drops); or give it a default")
    }
}
