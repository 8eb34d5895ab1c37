// Which instances of the application make up the fleet: globs over the names that they give to PostgreSQL.

internal import Model

package struct InstancePattern: Hashable, Sendable {
    /// As it was written.
    package let text: String
    package let place: Place
    private let name: NamePattern

    package func matches(_ application: String) -> Bool { name.matches(application) }

    /// It names one instance, which has to be seen; a pattern matches as many as there are.
    package var isLiteral: Bool { name.literal != nil }

    init(_ text: String, place: Place) {
        self.text = text
        self.place = place
        name = NamePattern(
            elements: text.unicodeScalars.map { scalar in
                switch scalar {
                case "*": .many
                case "?": .one
                default: .character(scalar)
                }
            })
    }

    var leastBytes: Int { name.leastBytes }
}

extension Field {
    func fleet() throws(ConfigurationError) -> [InstancePattern] {
        var patterns: [InstancePattern] = []
        for field in try nonEmptyList(of: "instance") {
            let pattern = InstancePattern(try field.nonEmptyText().value, place: field.place)
            guard pattern.leastBytes <= StreamName.longest else {
                throw field.error(
                    "\(field.label) has \(pattern.leastBytes) bytes",
                    hint: "PostgreSQL cuts an application_name off after \(StreamName.longest)")
            }
            if let first = patterns.first(where: { $0.text == pattern.text }) {
                throw field.error(
                    "\(label) lists \(mention(pattern.text)) twice, first at \(first.place.line):\(first.place.column)")
            }
            patterns.append(pattern)
        }
        return patterns
    }
}
