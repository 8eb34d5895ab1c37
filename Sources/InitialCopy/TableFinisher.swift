// What is left to do once a table's rows are on new, and once all are.

package import Model
package import Postgres
package import Threading

package struct TableFinisher: Sendable {
    /// Keys, indexes and the like of one table, before the stream goes on with it.
    let table: @Sendable (QualifiedName, StopSignal) throws -> Void
    /// What needs all tables: foreign keys, views.
    let all: @Sendable (StopSignal) throws -> Void
    package typealias Keeper = (_ source: Connection, _ target: Connection) throws -> Void

    /// Makes what brings sequences along: before the copy counts as complete, and now and then afterwards. Each is used by
    /// one thread.
    let keeper: @Sendable () -> Keeper
    /// What of it is being made.
    let builds: BuildBoard

    package init(
        table: @escaping @Sendable (QualifiedName, StopSignal) throws -> Void = { _, _ in },
        all: @escaping @Sendable (StopSignal) throws -> Void = { _ in },
        keeper: @escaping @Sendable () -> Keeper = { { _, _ in } }, builds: BuildBoard = BuildBoard()
    ) {
        self.table = table
        self.all = all
        self.keeper = keeper
        self.builds = builds
    }
}
