// A pair of databases, and the names by which streams are known on the servers.

internal import Model

package struct Pair: Hashable, Sendable {
    package let name: String
    /// A libpq connection string; it may hold a password and must never be shown.
    package let old: String
    package let new: String
    /// A standby of old, to read existing rows from; nil when old itself is read.
    package let standby: String?
    package let place: Place

    package init(name: String, old: String, new: String, standby: String? = nil, place: Place) {
        self.name = name
        self.old = old
        self.new = new
        self.standby = standby
        self.place = place
    }
}

extension Pair: CustomStringConvertible, CustomReflectable {
    package var description: String { name }

    /// Nor does `dump` or a crash report show the connections.
    package var customMirror: Mirror { Mirror(self, children: ["name": name]) }
}

enum PairKey: String, CaseIterable { case name, old, new, standby }

extension Field {
    func pairs(of migration: String) throws(ConfigurationError) -> [Pair] {
        var pairs: [Pair] = []
        for field in try nonEmptyList(of: "pair") {
            let pair = try field.pair(of: migration)
            if let first = pairs.first(where: { $0.name == pair.name }) {
                throw field.error(
                    "this pair has the same name as the one at \(first.place.line):\(first.place.column)")
            }
            pairs.append(pair)
        }
        return pairs
    }

    private func pair(of migration: String) throws(ConfigurationError) -> Pair {
        let section = try Section<PairKey>(self)
        let name = try section.required(.name).pairName(of: migration)
        let old = try section.required(.old).nonEmptyText()
        let newField = try section.required(.new)
        let new = try newField.nonEmptyText()
        guard old.value != new.value else { throw newField.error("`old` and `new` are the same connection") }
        let standbyField = section.optional(.standby)
        let standby = try standbyField?.nonEmptyText().value
        if let standbyField, let standby, [old.value, new.value].contains(standby) {
            throw standbyField.error("`standby` is the same connection as `old` or `new`")
        }
        return Pair(name: name, old: old.value, new: new.value, standby: standby, place: place)
    }

    func nonEmptyList(of element: String) throws(ConfigurationError) -> [Field] {
        let fields = try list()
        guard !fields.isEmpty else { throw error("\(label) lists nothing; it needs at least one \(element)") }
        return fields
    }
}
