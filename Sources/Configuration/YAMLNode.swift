// The configuration's YAML as a tree of values with places. Scalars are text: what a key wants decides their type.
// There are no tags, anchors or aliases in it, and no key stands twice in one mapping.

struct YAMLNode: Sendable {
    enum Content: Sendable {
        case nothing
        case scalar(YAMLScalar)
        case list([YAMLNode])
        case mapping([YAMLEntry])
    }

    let place: Place
    let content: Content

    /// For errors about a wrong type.
    var kind: String {
        switch content {
        case .nothing: "nothing"
        case .scalar: "a single value"
        case .list: "a list"
        case .mapping: "a mapping"
        }
    }
}

struct YAMLScalar: Sendable {
    let text: String
    /// Neither quoted nor folded, and on one line: characters of `text` stand in the file one by one.
    let isVerbatim: Bool
}

struct YAMLEntry: Sendable {
    let key: String
    let keyPlace: Place
    let value: YAMLNode
}
