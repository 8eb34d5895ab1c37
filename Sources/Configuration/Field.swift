// One value of the configuration on its way to a type: its name for messages, its node, and what reading it needs.
// Each kind of value has its own extension; this one tells the YAML kinds apart.

internal import Model

struct Reading {
    let source: SourceText
    let environment: [String: String]
}

struct Field {
    /// What messages call it: its key in backquotes, or an entry of that.
    let label: String
    let node: YAMLNode
    let reading: Reading

    var place: Place { node.place }

    func error(_ message: String, at place: Place? = nil, hint: String? = nil) -> ConfigurationError {
        reading.source.error(message, at: place ?? node.place, hint: hint)
    }

    func list() throws(ConfigurationError) -> [Field] {
        guard case .list(let nodes) = node.content else { throw wrongKind("a list") }
        return nodes.map { Field(label: "an entry of \(label)", node: $0, reading: reading) }
    }

    func text() throws(ConfigurationError) -> FieldText {
        guard case .scalar(let scalar) = node.content else { throw wrongKind("a single value") }
        do {
            let value = try Expansion.expanded(scalar.text, from: reading.environment)
            return FieldText(written: scalar.text, value: value)
        } catch {
            let place = scalar.isVerbatim ? node.place.advanced(by: error.character) : node.place
            throw self.error(error.message, at: place, hint: error.hint)
        }
    }

    func wrongKind(_ wanted: String) -> ConfigurationError {
        if case .nothing = node.content { return error("\(label) has no value; it must be \(wanted)") }
        return error("\(label) must be \(wanted), not \(node.kind)")
    }
}

/// A scalar as it stands in the file, for messages, and what it came to, which no message may hold.
struct FieldText {
    let written: String
    let value: String

    var mentioned: String { mention(written) }
}
