// A pattern of table names, as `data_a` and `exclude` list them: SCHEMA.TABLE, each part a glob or in double quotes.

package import Model

package struct TablePattern: Hashable, Sendable {
    /// As it was written.
    package let text: String
    package let place: Place
    private let schema: NamePattern
    private let name: NamePattern

    init(text: String, place: Place, schema: NamePattern, name: NamePattern) {
        self.text = text
        self.place = place
        self.schema = schema
        self.name = name
    }

    package func matches(_ name: QualifiedName) -> Bool {
        schema.matches(name.schema) && self.name.matches(name.name)
    }

    package var isLiteral: Bool { literalName != nil }

    /// The only table it can match, unless it has `*` or `?`.
    package var literalName: QualifiedName? {
        guard let schema = schema.literal, let name = name.literal else { return nil }
        return QualifiedName(schema: schema, name: name)
    }

    /// Whether both mean the same tables, however they are written.
    func means(_ other: TablePattern) -> Bool { schema == other.schema && name == other.name }
}
