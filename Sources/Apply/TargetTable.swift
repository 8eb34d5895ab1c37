// A table of the target as its catalogs describe it: what mapping and statements need to know. A pure value.

internal import Model

struct TargetTable: Sendable {
    struct Column: Sendable {
        let name: String
        let type: UInt32
        let modifier: Int32
        /// The type below any domains.
        let baseType: UInt32
        /// The same as SQL, without length: what values are made into, so that a length is enforced by assignment, which
        /// fails, and not by a cast, which cuts off.
        let castType: String
        /// What makes it of text; nil when there is no way around a cast from text that somebody made.
        let input: TextInput?
        let isGenerated: Bool
        let isIdentityAlways: Bool
        let isNotNull: Bool
        let isDomain: Bool
    }

    /// SQL around a text value that hands it to a type's input function. A cast does, unless one from text was made that
    /// does something else: `text::"char"` takes the first byte, `text::regclass` knows no `-`.
    struct TextInput: Sendable {
        let before: String
        let after: String
    }

    struct Index: Sendable {
        struct Part: Sendable {
            let column: String
            /// The operator of the index's own family, qualified: `OPERATOR(pg_catalog.=)`.
            let equals: String
            /// It may call values equal that are not the same, of which old has several.
            let isLoose: Bool
        }

        let name: String
        let parts: [Part]
        let isUnique: Bool
        let isPrimary: Bool
        let isImmediate: Bool
        /// Neither partial nor over expressions.
        let isPlain: Bool
    }

    private(set) var number: Int
    let name: QualifiedName
    let kind: String
    /// Of another table of new.
    let isPartition: Bool
    let columns: [Column]
    let indexes: [Index]
    /// A trigger or rule that counts for us may change or drop rows, so row counts prove nothing.
    let mayChangeRows: Bool
    /// Functions of others run in our session, and may leave it with other settings.
    let firesTriggers: Bool
    /// COPY would pass them by.
    let appliesRules: Bool
    /// What of it a crash of new would empty, if anything.
    let unlogged: String?
    /// Roles whose triggers fire for us with the rights of a superuser, though they are none themselves.
    let strangersWithTriggers: String?

    /// Unique keys whose check the replica role switches off.
    var uncheckedKeys: [Index] { indexes.filter { $0.isUnique && !$0.isImmediate && $0.isPlain } }

    var isPartitioned: Bool { kind == "p" }

    /// How statements name it: children of an inheritance parent are tables of their own, partitions are not.
    var sql: String { isPartitioned ? name.sql : "ONLY " + name.sql }

    func numbered(_ number: Int) -> TargetTable {
        var table = self
        table.number = number
        return table
    }

    func column(_ name: String) -> Column? { columns.first { sameName($0.name, name) } }
}
