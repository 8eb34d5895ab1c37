// What is left to do once a table's rows are on new, and once all are.

package import Model
package import Postgres
package import Threading

package struct TableFinisher: Sendable {
    /// Keys, indexes and the like of one table, before the stream goes on with it.
    let table: @Sendable (QualifiedName, StopSignal) throws -> Void
    /// What needs all tables: foreign keys, views; and sequences.
    let all: @Sendable (StopSignal) throws -> Void
    /// Now and then afterwards.
    let keep: @Sendable (_ source: Connection, _ target: Connection) throws -> Void

    package init(
        table: @escaping @Sendable (QualifiedName, StopSignal) throws -> Void = { _, _ in },
        all: @escaping @Sendable (StopSignal) throws -> Void = { _ in },
        keep: @escaping @Sendable (_ source: Connection, _ target: Connection) throws -> Void = { _, _ in }
    ) {
        self.table = table
        self.all = all
        self.keep = keep
    }
}
