// What both sides' logs say of the instances of an application, and what that means for a step: who has a mode that it does
// not allow, and who of those expected was not seen at all. Pure.

package import Model

package struct Sighting: Sendable, Equatable {
    package let application: String
    /// As declared; empty where nothing was.
    package let declared: String
    package let side: Side
    /// Seconds since it was last seen.
    package let age: Double
    package let transactions: Int

    package init(application: String, declared: String, side: Side, age: Double, transactions: Int) {
        (self.application, self.declared, self.side) = (application, declared, side)
        (self.age, self.transactions) = (age, transactions)
    }

    /// Nobody declares mode 1 who knows nothing of two databases: on old that is what a writer without a mode is. Nil for a
    /// stranger.
    package var mode: Mode? {
        if declared.isEmpty { return side == .old ? .oldOnly : nil }
        return Int(declared).flatMap(Mode.init(rawValue:))
    }
}

package struct FleetCensus: Sendable {
    package let sightings: [Sighting]

    package init(_ sightings: [Sighting]) { self.sightings = sightings }

    package struct Instance: Sendable, Equatable {
        package let name: String
        /// The mode seen last; nil for a stranger.
        package let mode: Mode?
        package let declared: String
        package let age: Double
        package let ages: [Side: Double]
        package let transactions: Int
    }

    /// Each with what it was seen to do last.
    package var instances: [Instance] {
        Dictionary(grouping: sightings, by: \.application).map { name, seen in
            let last = seen.min { $0.age < $1.age }
            var ages: [Side: Double] = [:]
            for one in seen { ages[one.side] = min(ages[one.side] ?? .infinity, one.age) }
            return Instance(
                name: name, mode: last?.mode, declared: last?.declared ?? "", age: last?.age ?? .infinity, ages: ages,
                transactions: seen.reduce(0) { $0 + $1.transactions })
        }.sorted { $0.name < $1.name }
    }

    /// Whether nobody of that name was seen in one of these modes. `connected`: who has sessions on a side whose writers nobody is told
    /// of. Who writes that side alone cannot be seen otherwise, and is taken to be there.
    package func lacks(
        _ isMeant: (String) -> Bool, in modes: Set<Mode>, connected: [Side: Set<String>] = [:]
    ) -> Bool {
        if instances.contains(where: { isMeant($0.name) && ($0.mode.map(modes.contains) ?? false) }) { return false }
        return !connected.contains { side, names in
            modes.contains { $0.writes(side) && !$0.writes(side.other) } && names.contains(where: isMeant)
        }
    }

    /// Seen within `quiet` in a mode that is not allowed, or in none.
    package func stragglers(_ allowed: Set<Mode>, quiet: Double) -> [Sighting] {
        sightings.filter { sighting in
            sighting.age < quiet && !(sighting.mode.map(allowed.contains) ?? false)
        }.sorted { $0.age < $1.age }
    }
}
