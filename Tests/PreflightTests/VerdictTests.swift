// Verdicts at their bounds, which no server of the tests comes to.

import Model
import Testing

@testable import Preflight

@Suite struct VerdictTests {
    @Test func clocksThatAgreeAndClocksThatDoNot() {
        #expect(Check.clocks(old: 1000, new: 1000.4) == [])
        #expect(Check.clocks(old: 1000, new: 1060).first?.what.contains("60 s ahead") == true)
        #expect(Check.clocks(old: 1000, new: 940).first?.what.contains("60 s behind") == true)
    }

    @Test func versions() {
        #expect(Check.versions(13, .old) == [] && Check.versions(14, .new) == [] && Check.versions(18, .new) == [])
        #expect(Check.versions(12, .old).count == 1 && Check.versions(13, .new).count == 1)
    }

    @Test func librariesThatSort() {
        #expect(Check.collationVersions(old: ("2.36", "2.36"), new: ("2.36", "2.36")) == [])
        #expect(Check.collationVersions(old: (nil, nil), new: ("2.36", "2.36")) == [])
        #expect(Check.collationVersions(old: ("2.36", "2.36"), new: ("2.39", "2.39")).map(\.object) == ["new"])
    }

    @Test func timeUntilTheLimit() {
        #expect(Check.held(bytes: 1e6, seconds: 100, limit: 20 << 30) == [])
        #expect(Check.held(bytes: 1e9, seconds: 10, limit: 1 << 30).count == 1)
        #expect(Check.held(bytes: 1e9, seconds: 0, limit: 1 << 30) == [])
    }
}
