// The proposals as a `tandem.yaml` that a person wants to read: every table once, with its reason beside it. Pure.

internal import Model

package struct ProposedConfiguration: Sendable {
    package struct Pair: Sendable {
        package let name: String
        package let old: String
        package let new: String

        package init(name: String, old: String, new: String) {
            self.name = name
            self.old = old
            self.new = new
        }
    }

    private let migration: String
    private let pairs: [Pair]
    private let proposals: [Proposal]
    /// More of Data A than this in one schema become a pattern: nobody reads ten thousand lines.
    private static let longest = 500

    /// A table of the same name in several databases is there once; what is least decided counts.
    package init(migration: String, pairs: [Pair], facts: [TableFacts]) {
        self.migration = migration
        self.pairs = pairs
        var all: [QualifiedName: Proposal] = [:]
        for facts in facts {
            let proposal = Proposal(facts)
            if let other = all[facts.name], other.place >= proposal.place { continue }
            all[facts.name] = proposal
        }
        proposals = all.values.sorted { $0.facts.name < $1.facts.name }
    }

    package var undecided: Int { proposals.count { $0.place == .undecided } }
    package func count(_ place: Proposal.Place) -> Int { proposals.count { $0.place == place } }

    package var text: String {
        var lines = [
            "# Proposed by `tandem init`, from what old's catalogs and statistics tell. Read it, decide, and change it as you like:",
            "# `tandem init` never overwrites it. Next: `tandem preflight`, `tandem run`.", "",
            "migration: \(migration)", "pairs:",
        ]
        for pair in pairs {
            lines += ["  - name: \(pair.name)", "    old: \(Self.yaml(pair.old))", "    new: \(Self.yaml(pair.new))"]
        }
        lines += ["", "# What end users read: carried continuously, change by change."]
        lines += dataA()
        let derived = proposals.filter { $0.place == .dataB }
        if !derived.isEmpty {
            lines += ["", "# Derived tables, which batches write: left out of the stream.", "data_b:"]
            for proposal in derived { lines += Self.entry(proposal, "  ") }
        }
        lines += list("exclude", .excluded, "Left alone.")
        lines += list(
            "undecided", .undecided,
            "Yours to decide: move each to data_a, data_b or exclude. Nothing runs before that.")
        if undecided == 0 { lines += ["", "undecided: []"] }
        lines += patterned
        return lines.joined(separator: "\n") + "\n"
    }

    private func dataA() -> [String] {
        let all = proposals.filter { $0.place == .dataA }
        if all.isEmpty {
            return ["# Nothing was found that is clearly of this kind; at least one table has to be.", "data_a: []"]
        }
        var lines = ["data_a:"]
        for (schema, tables) in Dictionary(grouping: all, by: \.facts.name.schema).sorted(by: { $0.key < $1.key }) {
            if tables.count > Self.longest {
                let said = "\(tables.count) tables with keys, named at the end; the lists below are exceptions"
                lines.append("  - \(Self.yaml(Self.schemaPattern(schema)))  # \(said)")
                continue
            }
            lines += Self.aligned(tables.map { (Self.yaml(name: $0.facts.name), $0.said) })
        }
        return lines
    }

    /// Each table has its reason, also where nobody wants to read ten thousand of them first.
    private var patterned: [String] {
        let all = proposals.filter { $0.place == .dataA }
        return Dictionary(grouping: all, by: \.facts.name.schema).sorted { $0.key < $1.key }
            .filter { $0.value.count > Self.longest }.flatMap { schema, tables in
                ["", "# \(Self.comment("What `\(Self.schemaPattern(schema))` of data_a stands for:"))"]
                    + tables.map { "#   \(Self.comment("\($0.facts.name)  \($0.said)"))" }
            }
    }

    private func list(_ key: String, _ place: Proposal.Place, _ heading: String) -> [String] {
        let all = proposals.filter { $0.place == place }
        guard !all.isEmpty else { return [] }
        var lines = ["", "# \(heading)", "\(key):"]
        for proposal in all where place == .undecided {
            lines.append("  # \(Self.comment(proposal.said))")
            if proposal.facts.kind != .partitioned, let column = proposal.column {
                lines.append(
                    "  #   as Data B: { table: \(Self.comment(Self.yaml(name: proposal.facts.name))), modified: \(Self.comment(Self.yaml(column))), every: 60s, deletes: 15m }"
                )
            }
            lines.append("  - \(Self.yaml(name: proposal.facts.name))")
        }
        if place == .undecided { return lines }
        return lines + Self.aligned(all.map { (Self.yaml(name: $0.facts.name), $0.said) })
    }

    private static func entry(_ proposal: Proposal, _ indent: String) -> [String] {
        var lines = [
            "\(indent)# \(comment(proposal.said))",
            "\(indent)- table: \(yaml(name: proposal.facts.name))",
        ]
        if let column = proposal.column {
            lines += [
                "\(indent)  modified: \(yaml(column))", "\(indent)  every: \(proposal.every)",
                "\(indent)  deletes: 15m",
            ]
        } else {
            lines += ["\(indent)  refresh: full", "\(indent)  every: \(proposal.every)"]
        }
        return lines
    }

    private static func aligned(_ entries: [(String, String)]) -> [String] {
        let width = min(40, entries.map(\.0.count).max() ?? 0)
        return entries.map { name, said in
            "  - \(name)" + String(repeating: " ", count: max(0, width - name.count)) + "  # \(comment(said))"
        }
    }

    private static func schemaPattern(_ schema: String) -> String {
        let one = QualifiedName(schema: schema, name: "t").description
        return one.dropLast(1) + "*"
    }

    private static func yaml(name: QualifiedName) -> String { yaml(name.description.replacing("${", with: "$${")) }

    /// One line, whatever names have in them.
    private static func comment(_ text: String) -> String { withoutControls(text) }

    /// Plain where YAML and tandem read it as it is, otherwise in double quotes with escapes; `${` stands for itself.
    static func yaml(_ text: String) -> String {
        let isPlain =
            !text.isEmpty
            && text.unicodeScalars.enumerated().allSatisfy { place, scalar in
                switch scalar {
                case "a"..."z", "_": true
                case "0"..."9", ".": place > 0
                default: false
                }
            } && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(text)
        if isPlain { return text }
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _
            where scalar.value < 0x20 || (0x7f...0xa0).contains(scalar.value)
                || (0x2028...0x2029).contains(scalar.value) || scalar.value == 0xfeff:
                let digits = String(scalar.value, radix: 16, uppercase: true)
                result += "\\u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
