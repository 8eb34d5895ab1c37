// From `tandem.yaml` to a `Configuration`. A key is accepted once something acts on it: its case below, its line in
// `init`, and an extension of `Field` for its type belong in one change.

internal import Model
internal import Protocol

enum ConfigurationKey: String, CaseIterable {
    case migration, pairs
    case dataA = "data_a"
    case dataB = "data_b"
    case exclude, undecided, strategy
    case initialCopy = "initial_copy"
    case jobs, copy, fleet, limits, gates, verify, hooks, canary, listen, spill, evidence
}

extension Configuration {
    package static func read(
        path: String, environment: [String: String]
    ) throws(ConfigurationError) -> Configuration {
        let source = try SourceText.read(path: path)
        try source.requireUTF8()
        return try Configuration(source, environment)
    }

    package static func parse(
        _ text: String, file: String, environment: [String: String] = [:]
    ) throws(ConfigurationError) -> Configuration {
        try Configuration(SourceText(file: file, bytes: Array(text.utf8)), environment)
    }

    private init(_ source: SourceText, _ environment: [String: String]) throws(ConfigurationError) {
        let root = try YAMLDocument.root(of: source)
        if case .nothing = root.content { throw YAMLDocument.empty(source) }
        let reading = Reading(source: source, environment: environment)
        let keys = try Section<ConfigurationKey>(Field(label: "the configuration", node: root, reading: reading))
        file = source.file
        migration = try keys.required(.migration).migrationName()
        pairs = try keys.required(.pairs).pairs(of: migration)
        dataA = try keys.required(.dataA).dataA()
        dataB = try keys.optional(.dataB)?.dataB() ?? []
        exclude = try keys.optional(.exclude)?.patterns() ?? []
        undecided = try keys.optional(.undecided)?.patterns() ?? []
        try Configuration.refuseTwice(
            [("data_a", dataA), ("data_b", dataB.map(\.pattern)), ("exclude", exclude), ("undecided", undecided)],
            source)
        places = Configuration.places(below: root, "")
        strategy = try keys.optional(.strategy)?.choice() ?? .dualWrite
        initialCopy = try keys.optional(.initialCopy)?.initialCopy() ?? .all
        jobs = try keys.optional(.jobs)?.count(upTo: 64) ?? 4
        copy = try keys.optional(.copy)?.copySettings() ?? Copying()
        limits = try keys.optional(.limits)?.limits() ?? Limits()
        fleet = try keys.optional(.fleet)?.fleet() ?? []
        hooks = try keys.optional(.hooks)?.hooks() ?? Hooks()
        canary = try keys.optional(.canary)?.canary(pairs: pairs) ?? []
        listen = try keys.optional(.listen)?.networkAddress()
        gates = try keys.optional(.gates)?.gates() ?? Gates()
        verify = try keys.optional(.verify)?.verifying() ?? Verifying()
        func directory(_ key: ConfigurationKey, usual: String) throws(ConfigurationError) -> String {
            try (keys.optional(key) ?? Configuration.usual(usual, for: key, root.place, reading)).directory()
        }
        spill = try directory(.spill, usual: Configuration.usualSpill)
        evidence = try directory(.evidence, usual: Configuration.usualEvidence)
    }

    /// A table that is named in two lists: one of them is a slip.
    private static func refuseTwice(
        _ lists: [(name: String, patterns: [TablePattern])], _ source: SourceText
    ) throws(ConfigurationError) {
        var named: [QualifiedName: (list: String, place: Place)] = [:]
        for (list, patterns) in lists {
            for pattern in patterns {
                guard let name = pattern.literalName else { continue }
                if let first = named[name], first.list != list {
                    throw source.error(
                        "\(mention(pattern.text)) stands in `\(list)` here and in `\(first.list)` at"
                            + " \(first.place.line):\(first.place.column)", at: pattern.place,
                        hint: "leave it in one of them")
                }
                named[name] = (list, pattern.place)
            }
        }
    }

    private static func places(below node: YAMLNode, _ path: String) -> [String: Place] {
        guard case .mapping(let entries) = node.content else { return [:] }
        var places: [String: Place] = [:]
        for entry in entries {
            let own = path.isEmpty ? entry.key : "\(path).\(entry.key)"
            places[own] = entry.keyPlace
            places.merge(Self.places(below: entry.value, own)) { first, _ in first }
        }
        return places
    }

    package static let usualSpill = "./spill"
    package static let usualEvidence = "./evidence"

    private static func usual(_ text: String, for key: ConfigurationKey, _ place: Place, _ reading: Reading) -> Field {
        let usual = YAMLScalar(text: text, isVerbatim: false)
        return Field(
            label: "`\(key.rawValue)`", node: YAMLNode(place: place, content: .scalar(usual)), reading: reading)
    }
}

extension Field {
    fileprivate func dataA() throws(ConfigurationError) -> [TablePattern] {
        _ = try nonEmptyList(of: "table")
        return try patterns()
    }
}
