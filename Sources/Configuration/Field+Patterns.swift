// Lists of table patterns, none of which stands twice in its list.

internal import Model

extension Field {
    func patterns() throws(ConfigurationError) -> [TablePattern] {
        var patterns: [TablePattern] = []
        for field in try list() {
            let pattern = try field.pattern()
            if let first = patterns.first(where: { $0.means(pattern) }) {
                throw field.error(
                    "\(label) lists \(mention(pattern.text)) twice, first at \(first.place.line):\(first.place.column)"
                )
            }
            patterns.append(pattern)
        }
        return patterns
    }

    func pattern() throws(ConfigurationError) -> TablePattern {
        let text = try nonEmptyText()
        do {
            return try TablePattern(text.value, written: text.written, place: place)
        } catch {
            throw self.error(error.description, hint: error.hint)
        }
    }
}
