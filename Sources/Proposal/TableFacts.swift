// What the catalogs and statistics of a live database tell about one table or materialized view. Pure values.

package import Model

package struct TableFacts: Sendable {
    package enum Kind: String, Sendable { case table, partitioned, materializedView = "materialized view" }

    package struct Timestamp: Sendable {
        package var column: String
        package var isIndexed: Bool
        /// A default gives new rows the time.
        package var hasDefault: Bool
        /// A trigger that runs on updates speaks of it.
        package var isMaintained: Bool

        package init(column: String, isIndexed: Bool, hasDefault: Bool, isMaintained: Bool) {
            self.column = column
            self.isIndexed = isIndexed
            self.hasDefault = hasDefault
            self.isMaintained = isMaintained
        }
    }

    package var name: QualifiedName
    package var kind: Kind
    package var isUnlogged = false
    /// The extension it belongs to.
    package var `extension`: String?
    /// By statistics; nil when nobody has analyzed it.
    package var rows: Int?
    package var bytes = 0
    /// Columns of the primary key, or what else tells rows apart; nil when nothing does.
    package var identity: String?
    package var inserts = 0
    package var updates = 0
    package var deletes = 0
    package var indexScans = 0
    package var wholeScans = 0
    /// How long the statistics have been counting, in days; nil when that is unknown.
    package var days: Double?
    /// Other tables refer to it by foreign keys.
    package var referredToBy = 0
    package var refersTo = 0
    package var timestamps: [Timestamp] = []
    package var owner = ""
    /// Roles besides the owner that were granted to write it, and to read it.
    package var writers: [String] = []
    package var readers: [String] = []

    package init(_ name: QualifiedName, _ kind: Kind = .table) {
        self.name = name
        self.kind = kind
    }
}
