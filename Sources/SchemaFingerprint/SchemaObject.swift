// One thing of a schema that replication rests on, and what is said of it. Pure.

package import Model

package struct SchemaObject: Hashable, Sendable, Comparable, CustomStringConvertible {
    package enum Kind: String, Sendable, CaseIterable {
        case table, column, constraint, index, trigger, rule, sequence, type
    }

    package let kind: Kind
    /// The table, or for a sequence or type itself.
    package let name: QualifiedName
    /// Within the table; empty for what is not in one.
    package let part: String

    package init(_ kind: Kind, _ name: QualifiedName, _ part: String = "") {
        self.kind = kind
        self.name = name
        self.part = part
    }

    package var description: String {
        switch kind {
        case .table, .sequence, .type: "\(kind.rawValue) \(name)"
        case .column, .constraint, .index, .trigger, .rule: "\(kind.rawValue) \(visiblyQuoted(part)) of \(name)"
        }
    }

    package static func == (left: SchemaObject, right: SchemaObject) -> Bool {
        left.kind == right.kind && left.name == right.name && sameName(left.part, right.part)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(kind)
        hasher.combine(name)
        for byte in part.utf8 { hasher.combine(byte) }
    }

    package static func < (left: SchemaObject, right: SchemaObject) -> Bool {
        if left.name != right.name { return left.name < right.name }
        if left.kind != right.kind { return left.order < right.order }
        return left.part.utf8.lexicographicallyPrecedes(right.part.utf8)
    }

    private var order: Int { Self.Kind.allCases.firstIndex(of: kind) ?? 0 }
}
