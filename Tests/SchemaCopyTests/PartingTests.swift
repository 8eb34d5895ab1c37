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

    /// The other side's range begins where it was set apart, wherever that side has come to since.
    @Test func untilTheRangeBegins() {
        let range = { (begins: Int64, gap: Int64) in
            SequenceRange(name: QualifiedName(schema: "public", name: "s"), begins: begins, gap: gap)
        }
        let far = Self.state(5_000_000)
        let distance = Self.state(900_101).distance(to: range(1_000_100, 1_000_000), or: far)
        #expect(distance?.left == 99_999 && distance?.isNear == true)
        #expect(Self.state(900_100).distance(to: range(1_000_100, 1_000_000), or: far)?.isNear == false)
        // Past it is not far from it.
        #expect(Self.state(1_000_300).distance(to: range(1_000_100, 1_000_000), or: far)?.left == 0)
        #expect(Self.state(1_000_300).distance(to: range(1_000_100, 3), or: far)?.isNear == true)
        // Nothing was written down: where it stands must do.
        #expect(Self.state(100).distance(to: nil, or: Self.state(1_000_100))?.left == 1_000_000)
        #expect(Self.state(100).distance(to: nil, or: Self.state(50)) == nil)
        let down = { (value: Int64) in Self.state(value, increment: -10, minimum: -10_000_000, maximum: -1) }
        #expect(down(-500).distance(to: range(-1500, 1000), or: down(-9000))?.left == 100)
        #expect(
            Self.state(1, cycles: true).distance(to: range(5, 10), or: Self.state(1, cycles: true)) == nil)
    }
}
