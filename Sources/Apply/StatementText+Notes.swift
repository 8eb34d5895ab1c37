// Notes of which rows of a table change while it is being copied: their keys, as the source would write them, in a table of
// tandem's own. Whoever reads them again there must find each key under the same column names in the same order.

internal import Batching
internal import Model

extension TableMapping {
    /// The key's columns in the order of their names, which no index decides.
    var notedColumns: [Int] {
        keyColumns.sorted {
            Array(shape.columns[$0].name.utf8).lexicographicallyPrecedes(Array(shape.columns[$1].name.utf8))
        }
    }

    func note(_ stream: StreamName) -> StatementText {
        let names = notedColumns.map { literal(shape.columns[$0].name) }.joined(separator: ", ")
        let values = notedColumns.map { written($0) }.joined(separator: ", ")
        let calls = notedColumns.indices.map { "unnest($\($0 + 1))" }.joined(separator: ", ")
        let aliases = notedColumns.map { "a\($0)" }.joined(separator: ", ")
        return StatementText(
            sql: "INSERT INTO tandem.touched (stream, source_oid, columns, key)"
                + " SELECT \(owner(stream)), ARRAY[\(names)]::pg_catalog.text[], ARRAY[\(values)] FROM (SELECT \(calls)) AS v(\(aliases))",
            parameterTypes: notedColumns.map { column($0).arrayType })
    }

    func noteWhole(_ stream: StreamName) -> StatementText {
        StatementText(
            sql: "INSERT INTO tandem.touched (stream, source_oid) SELECT \(owner(stream)) FROM unnest($1)",
            parameterTypes: [WireTypes.textArray])
    }

    private func owner(_ stream: StreamName) -> String { "\(literal(stream.description)), \(shape.oid)" }

    /// A value by its type's output function, as the source would send it in text.
    private func written(_ index: Int) -> String {
        let alias = "v.a\(index)"
        return column(index).isBinary ? "pg_catalog.format('%s', \(alias))" : alias
    }
}
