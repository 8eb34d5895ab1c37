// A table of the target as its catalogs describe it: what mapping and statements need to know. A pure value.

internal import Model

struct TargetTable: Sendable {
    struct Column: Sendable {
        let name: String
        let type: UInt32
        let modifier: Int32
        /// The type below any domains, without length: what values are cast to, so that a length is enforced by
        /// assignment, which fails, and not by a cast, which cuts off.
        /// By way of varchar when somebody made a cast from text to it: that one may change values, where none is made
        /// the type's own input function reads them.
        let castType: String
        let isGenerated: Bool
        let isIdentityAlways: Bool
        let isNotNull: Bool
        let isDomain: Bool
    }

    struct Index: Sendable {
        struct Part: Sendable {
            let column: String
            /// The operator of the index's own family, qualified: `OPERATOR(pg_catalog.=)`.
            let equals: String
        }

        let name: String
        let parts: [Part]
        let isUnique: Bool
        let isPrimary: Bool
        let isImmediate: Bool
        /// Neither partial nor over expressions.
        let isPlain: Bool
    }

    let number: Int
    let name: QualifiedName
    let kind: String
    let columns: [Column]
    let indexes: [Index]
    /// A trigger that fires for us may change or drop rows, so row counts prove nothing.
    let mayChangeRows: Bool
    /// Roles whose triggers fire for us with the rights of a superuser, though they are none themselves.
    let strangersWithTriggers: String?

    /// Unique keys whose check the replica role switches off.
    var uncheckedKeys: [Index] { indexes.filter { $0.isUnique && !$0.isImmediate && $0.isPlain } }

    var isPartitioned: Bool { kind == "p" }

    /// How statements name it: children of an inheritance parent are tables of their own, partitions are not.
    var sql: String { isPartitioned ? name.sql : "ONLY " + name.sql }

    func column(_ name: String) -> Column? { columns.first { sameName($0.name, name) } }
}
