// A table as one Relation message described it: the shape of every row that follows until the next description.
// Old rows keep the shape they were sent with, whatever the catalogs say by the time they are applied.

package final class RelationShape: Sendable {
    package struct Column: Equatable, Sendable {
        package let name: String
        package let type: UInt32
        package let modifier: Int32
        package let isKey: Bool

        package init(name: String, type: UInt32, modifier: Int32, isKey: Bool) {
            self.name = name
            self.type = type
            self.modifier = modifier
            self.isKey = isKey
        }

        package static func == (left: Column, right: Column) -> Bool {
            sameName(left.name, right.name) && left.type == right.type && left.modifier == right.modifier
                && left.isKey == right.isKey
        }
    }

    package enum Identity: UInt8, Sendable {
        case primaryKey = 0x64  // 'd', default
        case nothing = 0x6e  // 'n'
        case full = 0x66  // 'f'
        case index = 0x69  // 'i'
    }

    /// Where this shape stands in the stream's `ShapeBook`.
    package let number: Int
    package let oid: UInt32
    package let name: QualifiedName
    package let identity: Identity
    package let columns: [Column]

    package init(number: Int, oid: UInt32, name: QualifiedName, identity: Identity, columns: [Column]) {
        self.number = number
        self.oid = oid
        self.name = name
        self.identity = identity
        self.columns = columns
    }

    /// The columns that tell one row from another, by index; all of them when the identity is the full row.
    package var keyColumns: [Int] { columns.indices.filter { columns[$0].isKey } }

    /// Rows of both are laid out and told apart alike.
    package func hasRowsLike(_ other: RelationShape) -> Bool {
        identity == other.identity && columns == other.columns
    }

    package func describesTheSame(as other: RelationShape) -> Bool {
        oid == other.oid && name == other.name && identity == other.identity && columns == other.columns
    }
}
