// What sightings mean: modes, strangers, stragglers.

import Model
import Testing

@testable import Protocol

@Suite struct FleetCensusTests {
    private static func seen(_ name: String, _ declared: String, _ side: Side, _ age: Double) -> Sighting {
        Sighting(application: name, declared: declared, side: side, age: age, transactions: 1)
    }

    private static let fleet = FleetCensus([
        seen("web-1", "3", .old, 500), seen("web-1", "4", .old, 1), seen("web-1", "4", .new, 1.1),
        seen("cron", "", .old, 20), seen("stranger", "", .new, 2), seen("web-2", "3", .old, 30),
        seen("odd", "9", .old, 3),
    ])

    @Test func theLastModeCounts() {
        let instances = Self.fleet.instances
        #expect(instances.map(\.name) == ["cron", "odd", "stranger", "web-1", "web-2"])
        #expect(instances.map(\.mode) == [.oldOnly, nil, nil, .strict, .bestEffort])
        #expect(instances[3].ages == [.old: 1, .new: 1.1] && instances[3].transactions == 3)
    }

    /// Writers of a side that tells nobody of them are known by their sessions, and only where they write nothing else.
    @Test func whoIsMissing() {
        #expect(!Self.fleet.lacks({ $0 == "web-1" }, in: [.strict]))
        #expect(Self.fleet.lacks({ $0 == "web-1" }, in: [.bestEffort]))
        #expect(Self.fleet.lacks({ $0 == "odd" }, in: Set(Mode.allCases)))
        #expect(Self.fleet.lacks({ $0.hasPrefix("web") }, in: [.oldOnly]))
        let connected: [Side: Set<String>] = [.old: ["web-1", "psql"]]
        #expect(!Self.fleet.lacks({ $0.hasPrefix("web") }, in: [.oldOnly], connected: connected))
        #expect(Self.fleet.lacks({ $0.hasPrefix("api") }, in: [.oldOnly], connected: connected))
        #expect(Self.fleet.lacks({ $0 == "web-1" }, in: [.strictReadingNew], connected: connected))
        #expect(Self.fleet.lacks({ $0 == "web-1" }, in: [.newOnly], connected: connected))
    }

    @Test func whoIsNotAllowedIsAStraggler() {
        #expect(
            Self.fleet.stragglers([.bestEffort, .strict], quiet: 60).map(\.application) == ["stranger", "odd", "cron"])
        #expect(Self.fleet.stragglers([.strict], quiet: 600).map(\.application).suffix(2) == ["web-2", "web-1"])
        // Long ago is long ago.
        #expect(Self.fleet.stragglers([.strict, .bestEffort], quiet: 2).isEmpty)
    }
}
