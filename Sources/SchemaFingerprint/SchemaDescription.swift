// What was seen of a schema: each object with its traits, and the text of it all, which is kept, compared and digested.
// The same schema gives the same text on every version. Pure.

package import Digest
internal import Model

package struct SchemaDescription: Sendable, Equatable {
    /// Of each object, its traits by name. What is usual is not said.
    package private(set) var objects: [SchemaObject: [String: String]] = [:]

    package init() {}

    package mutating func add(_ object: SchemaObject) { objects[object, default: [:]] = objects[object] ?? [:] }

    /// A trait that is nil or empty is the usual one.
    package mutating func add(_ object: SchemaObject, _ traits: KeyValuePairs<String, String?>) {
        var all = objects[object] ?? [:]
        for (trait, value) in traits { if let value, !value.isEmpty { all[trait] = value } }
        objects[object] = all
    }

    package var tables: Int { objects.keys.count { $0.kind == .table } }

    package var digest: SHA256Digest { SHA256Digest(of: text) }

    // MARK: as text

    private static let heading = "tandem schema 1"

    /// A line an object, fields between tabs, in the order of names by bytes.
    package var text: String {
        var lines = [Self.heading]
        for object in objects.keys.sorted() {
            let traits = (objects[object] ?? [:]).sorted { $0.key < $1.key }
            let fields = [object.kind.rawValue, object.name.schema, object.name.name, object.part]
            lines.append((fields + traits.flatMap { [$0.key, $0.value] }).map(Self.escaped).joined(separator: "\t"))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Nil for what is no such text, or one of another version of tandem.
    package init?(text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: true)
        guard let first = lines.first, first == Self.heading[...] else { return nil }
        for line in lines.dropFirst() {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map { Self.unescaped($0) }
            guard fields.count >= 4, fields.count.isMultiple(of: 2), let kind = SchemaObject.Kind(rawValue: fields[0])
            else { return nil }
            var traits: [String: String] = [:]
            for place in stride(from: 4, to: fields.count, by: 2) { traits[fields[place]] = fields[place + 1] }
            objects[SchemaObject(kind, QualifiedName(schema: fields[1], name: fields[2]), fields[3])] = traits
        }
    }

    private static func escaped(_ field: String) -> String {
        var result = ""
        for scalar in field.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\t": result += "\\t"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func unescaped(_ field: Substring) -> String {
        guard field.unicodeScalars.contains("\\") else { return String(field) }
        var result = ""
        var isEscaped = false
        for scalar in field.unicodeScalars {
            guard isEscaped else {
                if scalar == "\\" { isEscaped = true } else { result.unicodeScalars.append(scalar) }
                continue
            }
            isEscaped = false
            switch scalar {
            case "t": result += "\t"
            case "n": result += "\n"
            case "r": result += "\r"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
