// From events to the tree: one document, no key twice, not nested without end.

internal import Model

struct YAMLDocument: ~Copyable {
    static let deepest = 32

    private let source: SourceText
    private var events: YAMLEvents

    private init(_ source: SourceText) throws(ConfigurationError) {
        self.source = source
        events = try YAMLEvents(source)
    }

    /// The root of the only document in `source`.
    static func root(of source: SourceText) throws(ConfigurationError) -> YAMLNode {
        var document = try YAMLDocument(source)
        return try document.root()
    }

    static func empty(_ source: SourceText) -> ConfigurationError {
        source.error("the file is empty", at: .start, hint: "it begins with `migration: NAME`")
    }

    private mutating func root() throws(ConfigurationError) -> YAMLNode {
        _ = try events.next()
        guard case .documentStart = try events.next().event else {
            throw YAMLDocument.empty(source)
        }
        let root = try node(from: try events.next(), depth: 0)
        _ = try events.next()
        let (event, place) = try events.next()
        guard case .streamEnd = event else {
            throw source.error("a second document begins here", at: place, hint: "a configuration is one document")
        }
        return root
    }

    private mutating func node(
        from start: (event: YAMLEvent, place: Place), depth: Int
    ) throws(ConfigurationError) -> YAMLNode {
        guard depth < YAMLDocument.deepest else { throw source.error("this is nested too deeply", at: start.place) }
        switch start.event {
        case .scalar(_, isNothing: true): return YAMLNode(place: start.place, content: .nothing)
        case .scalar(let scalar, _): return YAMLNode(place: start.place, content: .scalar(scalar))
        case .listStart: return YAMLNode(place: start.place, content: .list(try list(depth)))
        case .mappingStart: return YAMLNode(place: start.place, content: .mapping(try mapping(depth)))
        case .streamStart, .streamEnd, .documentStart, .documentEnd, .listEnd, .mappingEnd:
            throw source.error("this ends too early", at: start.place)
        }
    }

    private mutating func list(_ depth: Int) throws(ConfigurationError) -> [YAMLNode] {
        var nodes: [YAMLNode] = []
        while true {
            let next = try events.next()
            if case .listEnd = next.event { return nodes }
            nodes.append(try node(from: next, depth: depth + 1))
        }
    }

    private mutating func mapping(_ depth: Int) throws(ConfigurationError) -> [YAMLEntry] {
        var entries: [YAMLEntry] = []
        var places: [String: Place] = [:]
        while true {
            let next = try events.next()
            if case .mappingEnd = next.event { return entries }
            guard case .scalar(let key, isNothing: false) = next.event else {
                throw source.error("a key must be a word", at: next.place)
            }
            if let first = places.updateValue(next.place, forKey: key.text) {
                throw source.error(
                    "the key \(mention(key.text)) stands here again; it is already set at \(first.line):\(first.column)",
                    at: next.place)
            }
            let value = try node(from: try events.next(), depth: depth + 1)
            entries.append(YAMLEntry(key: key.text, keyPlace: next.place, value: value))
        }
    }
}
