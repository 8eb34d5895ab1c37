// Ranges of two sides that both give out ids: how far apart, where there is little room, downwards, and never back.

import Model
import Testing

@testable import SchemaCopy

@Suite struct PartingTests {
    private static func state(
        _ value: Int64, increment: Int64 = 1, minimum: Int64 = 1, maximum: Int64 = .max, cycles: Bool = false
    ) -> SequenceState {
        SequenceState(
            name: QualifiedName(schema: "public", name: "s"), type: "bigint", start: increment > 0 ? minimum : maximum,
            increment: increment, minimum: minimum, maximum: maximum, cycles: cycles,
            position: SequenceState.Position(value: value, isCalled: true), mayWrite: true)
    }

    @Test func beyondBothByTheGap() {
        #expect(Self.state(7).parted(from: Self.state(500))?.value == 1_000_500)
        #expect(Self.state(900).parted(from: Self.state(500))?.value == 1_000_900)
        // In its own steps.
        #expect(
            Self.state(10, increment: 10).parted(from: Self.state(500, increment: 10))?.value == 1_000_500)
        // Repeated: nothing moves again before half of it is used.
        #expect(Self.state(1_000_500).parted(from: Self.state(500)) == nil)
        #expect(Self.state(1_000_500).parted(from: Self.state(700_000))?.value == 2_000_500)
    }

    @Test func downwardsAndWhereThereIsLittleRoom() {
        let down = { (value: Int64) in Self.state(value, increment: -1, minimum: -10_000_000, maximum: -1) }
        #expect(down(-5).parted(from: down(-400))?.value == -1_000_400)
        let small = { (value: Int64) in Self.state(value, maximum: 32_767) }
        #expect(small(100).parted(from: small(767))?.value == 16_767)
        #expect(small(32_767).parted(from: small(32_767)) == nil)
        #expect(Self.state(.max).parted(from: Self.state(3)) == nil)
    }

    @Test func whatCannotBeSetApart() {
        #expect(Self.state(1, cycles: true).parted(from: Self.state(1, cycles: true)) == nil)
        #expect(Self.state(1, increment: 2).parted(from: Self.state(1)) == nil)
    }

    @Test func howManyAreLeft() {
        #expect(Self.state(100).left(before: Self.state(1_000_100)) == 1_000_000)
        #expect(Self.state(100, increment: 10).left(before: Self.state(200, increment: 10)) == 10)
        #expect(Self.state(300).left(before: Self.state(200)) == nil)
        let down = { (value: Int64) in Self.state(value, increment: -1, minimum: -10_000_000, maximum: -1) }
        #expect(down(-10).left(before: down(-60)) == 50)
    }
}
