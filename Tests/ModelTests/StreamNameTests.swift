// The names and sides of a pair's two streams.

import Model
import Testing

@Suite struct StreamNameTests {
    @Test func oneNameForPublicationSlotAndOrigin() {
        let forward = StreamName(migration: "m15", pair: "shop", direction: .forward)
        let reverse = StreamName(migration: "m15", pair: "shop", direction: .reverse)
        #expect(forward.description == "tandem_m15_shop_forward")
        #expect(reverse.description == "tandem_m15_shop_reverse")
        #expect(forward != reverse)
        #expect(Set([forward, forward, reverse]).count == 2)
        #expect(StreamName.longest == 63)
    }

    @Test func directionsSwapTheSides() {
        #expect(Direction.forward.source == .old && Direction.forward.target == .new)
        #expect(Direction.reverse.source == .new && Direction.reverse.target == .old)
    }

    @Test func exitCodesAreWhatScriptsRelyOn() {
        #expect(ExitCode.allCases.map(\.rawValue) == [0, 1, 2, 3, 4, 5, 6])
        #expect(ExitCode.blocked.rawValue == 5)
        #expect(ExitCode.unsafe.rawValue == 6)
    }
}

@Suite struct RelationShapeTests {
    private func shape(number: Int = 0, name: String = "t", isKey: Bool = true, modifier: Int32 = -1) -> RelationShape {
        RelationShape(
            number: number, oid: 1, name: QualifiedName(schema: "public", name: name), identity: .primaryKey,
            columns: [
                .init(name: "v", type: 25, modifier: modifier, isKey: false),
                .init(name: "id", type: 23, modifier: -1, isKey: isKey),
            ])
    }

    @Test func keysAreFoundByTheirFlag() {
        #expect(shape().keyColumns == [1])
        #expect(shape(isKey: false).keyColumns == [])
    }

    @Test func aDescriptionIsTheSameWhateverItsNumber() {
        #expect(shape().describesTheSame(as: shape(number: 9)))
        #expect(!shape().describesTheSame(as: shape(name: "u")))
        #expect(!shape().describesTheSame(as: shape(isKey: false)))
        #expect(!shape().describesTheSame(as: shape(modifier: 14)))
    }

    @Test func identitiesAreTheBytesOfTheWire() {
        let known: [(RelationShape.Identity, Character)] = [
            (.primaryKey, "d"), (.nothing, "n"), (.full, "f"), (.index, "i"),
        ]
        for (identity, letter) in known { #expect(identity.rawValue == letter.asciiValue) }
        #expect(RelationShape.Identity(rawValue: 0) == nil)
    }
}
