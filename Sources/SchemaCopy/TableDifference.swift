// One way in which a table that new has already is not what old's is. Whether it stands in the way of a copy is said with it.

package import Model

package struct TableDifference: Sendable, Equatable {
    package enum Kind: Sendable {
        /// Not a table at all.
        case kind
        case unlogged, missingColumn, extraColumn, generated, narrowerType, widerType, nullability, identity
    }

    package let kind: Kind
    package let table: QualifiedName
    /// Reads on from the table's name.
    package let message: String
    package let remedy: String?
    /// A copy is refused for it.
    package let stands: Bool

    var problem: SchemaProblem? {
        stands ? SchemaProblem("\(table), which is on new already, \(message)", remedy: remedy) : nil
    }
    var note: String? { stands ? nil : "\(table) \(message)" }
}
