// What is to be tried before users are sent to new: a read of the application's that both sides are asked, and what it has to
// fulfil there; or a program of the operator's, which knows what databases do not show.

internal import Model

package struct CanaryProbe: Hashable, Sendable {
    /// What its parameters are, one run for each set.
    package enum Parameters: Hashable, Sendable {
        case none
        /// Nil is NULL.
        case given([[String?]])
        /// A query that the side in charge answers; each row is a set.
        case asked(String)
    }

    package enum Kind: Hashable, Sendable {
        case query(String)
        /// Ends with 0 where all is well.
        case program(HookProgram)
    }

    package enum Comparison: String, Sendable, CaseIterable {
        /// The same rows, in any order.
        case same
        /// The same rows in the same order.
        case ordered
        /// As many rows.
        case count
        case ignored
    }

    package enum PlanRule: String, Sendable, CaseIterable {
        /// A difference is told.
        case noted
        /// A difference refuses.
        case same
        case ignored
    }

    package let name: String
    package let kind: Kind
    package let parameters: Parameters
    package let result: Comparison
    /// How many times old's time new may take.
    package let slower: Double
    /// Seconds that it may take on new; nil where only old is the measure.
    package let within: Double?
    package let plan: PlanRule
    /// How often each set is timed, on each side.
    package let runs: Int
    /// Seconds after which it is given up.
    package let timeout: Double
    /// Schemas in which names without one are looked for.
    package let searchPath: [String]
    /// The only pair it is for; nil: for each.
    package let pair: String?
    package let place: Place

    package func isFor(_ pair: String) -> Bool { self.pair.map { $0 == pair } ?? true }

    /// Most sets of parameters that are tried.
    package static let mostSets = 100
}

enum CanaryKey: String, CaseIterable {
    case name, query, program, parameters, result, slower, within, plan, runs, timeout, pair
    case searchPath = "search_path"
}

extension Field {
    func canary(pairs: [Pair]) throws(ConfigurationError) -> [CanaryProbe] {
        var probes: [CanaryProbe] = []
        for field in try list() {
            let probe = try field.canaryProbe(pairs)
            if let first = probes.first(where: { $0.name == probe.name }) {
                throw field.error(
                    "\(label) has \(mention(probe.name)) twice, first at \(first.place.line):\(first.place.column)")
            }
            probes.append(probe)
        }
        return probes
    }

    private func canaryProbe(_ pairs: [Pair]) throws(ConfigurationError) -> CanaryProbe {
        let section = try Section<CanaryKey>(self)
        let name = try section.required(.name).canaryName()
        var slower = 2.0
        if let field = section.optional(.slower) {
            slower = try field.number()
            guard slower >= 1 else {
                throw field.error(
                    "`slower` is how many times old's time new may take: at least 1", hint: "`slower: 1.5`")
            }
        }
        return CanaryProbe(
            name: name, kind: try canaryKind(section),
            parameters: try section.optional(.parameters)?.canaryParameters() ?? .none,
            result: try section.optional(.result)?.choice() ?? .same, slower: slower,
            within: try section.optional(.within)?.seconds(), plan: try section.optional(.plan)?.choice() ?? .noted,
            runs: try section.optional(.runs)?.count(upTo: 1000) ?? 5,
            timeout: try section.optional(.timeout)?.canaryTimeout() ?? 30,
            searchPath: try section.optional(.searchPath)?.schemaNames() ?? [],
            pair: try section.optional(.pair)?.pairName(among: pairs), place: place)
    }

    private func canaryKind(_ section: Section<CanaryKey>) throws(ConfigurationError) -> CanaryProbe.Kind {
        guard let program = section.optional(.program) else {
            guard let query = section.optional(.query) else {
                throw error("what is to be tried is missing", hint: "`query: SELECT …`, or `program: PATH`")
            }
            return .query(try query.nonEmptyText().value)
        }
        for key in CanaryKey.allCases where ![.name, .program, .timeout, .pair].contains(key) {
            guard let field = section.optional(key) else { continue }
            throw field.error("`\(key.rawValue)` does not go with `program`")
        }
        return .program(try program.hook())
    }

    /// It stands in messages, where a longer one would fill the screen.
    private func canaryName() throws(ConfigurationError) -> String {
        let name = try nonEmptyText().value
        guard name.count <= 60 else { throw error("`name` has \(name.count) characters; it may have 60") }
        return name
    }

    /// One query, or a list of sets; a set of one needs no brackets of its own.
    private func canaryParameters() throws(ConfigurationError) -> CanaryProbe.Parameters {
        guard case .list = node.content else { return .asked(try nonEmptyText().value) }
        let fields = try nonEmptyList(of: "set of parameters")
        guard fields.count <= CanaryProbe.mostSets else {
            throw error("\(label) has \(fields.count) sets; there may be \(CanaryProbe.mostSets)")
        }
        var sets: [[String?]] = []
        for field in fields {
            var values: [String?] = []
            if case .list = field.node.content {
                for value in try field.list() { values.append(try value.parameterValue()) }
            } else {
                values.append(try field.parameterValue())
            }
            if let first = sets.first, first.count != values.count {
                throw field.error("\(field.label) has \(values.count) values, the first one has \(first.count)")
            }
            sets.append(values)
        }
        return .given(sets)
    }

    private func canaryTimeout() throws(ConfigurationError) -> Double {
        let seconds = try seconds()
        guard seconds <= 3600 else { throw error("`timeout` may be an hour at most") }
        return seconds
    }

    private func parameterValue() throws(ConfigurationError) -> String? {
        if case .nothing = node.content { return nil }
        return try text().value
    }

    private func schemaNames() throws(ConfigurationError) -> [String] {
        guard case .list = node.content else { return [try nonEmptyText().value] }
        var names: [String] = []
        for field in try nonEmptyList(of: "schema") { names.append(try field.nonEmptyText().value) }
        return names
    }

    private func pairName(among pairs: [Pair]) throws(ConfigurationError) -> String {
        let text = try nonEmptyText()
        guard pairs.contains(where: { $0.name == text.value }) else {
            throw error(
                "there is no pair \(text.mentioned)",
                hint: "the pairs are \(pairs.map { "`\($0.name)`" }.joined(separator: ", "))")
        }
        return text.value
    }
}
