import Model
import SchemaFingerprint
import Testing

@Suite struct DescriptionTests {
    private let a = QualifiedName(schema: "public", name: "a")

    private func described(_ change: (inout SchemaDescription) -> Void = { _ in }) -> SchemaDescription {
        var description = SchemaDescription()
        description.add(SchemaObject(.table, a))
        description.add(SchemaObject(.column, a, "id"), ["type": "integer", "not null": "yes"])
        description.add(SchemaObject(.column, a, "odd\tname\n\\"), ["type": "text", "default": "E'a\\tb'::text"])
        change(&description)
        return description
    }

    @Test func readsBackWhatItWrites() throws {
        let description = described()
        let back = try #require(SchemaDescription(text: description.text))
        #expect(back == description)
        #expect(back.digest == description.digest)
    }

    @Test(arguments: ["", "something else\n", "tandem schema 2\n", "tandem schema 1\ntable\tpublic\n"])
    func refusesWhatIsNoDescription(text: String) {
        #expect(SchemaDescription(text: text) == nil)
    }

    @Test func theOrderOfReadingDoesNotMatter() {
        var other = SchemaDescription()
        other.add(SchemaObject(.column, a, "odd\tname\n\\"), ["default": "E'a\\tb'::text", "type": "text"])
        other.add(SchemaObject(.column, a, "id"), ["not null": "yes", "type": "integer", "default": nil])
        other.add(SchemaObject(.table, a), ["persistence": ""])
        #expect(other.digest == described().digest)
    }

    @Test func aDifferenceNamesObjectTraitAndBothValues() {
        let later = described {
            $0.add(SchemaObject(.column, a, "id"), ["type": "bigint"])
            $0.add(SchemaObject(.column, a, "b"), ["type": "text"])
        }
        #expect(
            described().differences(to: later).map(\.description) == [
                "column \"b\" of public.a is new (type text)",
                "column \"id\" of public.a: type was integer, is bigint",
            ])
        #expect(later.digest != described().digest)
    }

    @Test func aTableThatIsGoneIsOneDifference() {
        #expect(described().differences(to: SchemaDescription()).map(\.description) == ["table public.a is gone"])
    }

    @Test func namesAreComparedByBytes() {
        var (composed, decomposed) = (SchemaDescription(), SchemaDescription())
        composed.add(SchemaObject(.column, a, "\u{e9}"), ["type": "text"])
        decomposed.add(SchemaObject(.column, a, "e\u{301}"), ["type": "text"])
        #expect(composed.differences(to: decomposed).count == 2)
    }

    @Test func whatTheStreamWouldNotNotice() {
        let always = SchemaDifference(SchemaObject(.trigger, a, "t"), .appeared(["in replication": "always: CREATE …"]))
        #expect(always.isSilent(on: .new))
        #expect(!always.isSilent(on: .old))
        let ordinary = SchemaDifference(SchemaObject(.trigger, a, "t"), .appeared(["definition": "CREATE …"]))
        #expect(!ordinary.isSilent(on: .new))
        let unlogged = SchemaDifference(
            SchemaObject(.table, a), .altered(trait: "persistence", from: nil, to: "unlogged"))
        #expect(unlogged.isSilent(on: .new))
        let column = SchemaDifference(SchemaObject(.column, a, "b"), .appeared(["type": "text"]))
        #expect(!column.isSilent(on: .old) && !column.isSilent(on: .new))
    }

    @Test func anAlwaysTriggerOnATableThatIsNewIsNamedByItself() {
        var later = SchemaDescription()
        later.add(SchemaObject(.table, a))
        later.add(SchemaObject(.column, a, "id"), ["type": "integer"])
        later.add(SchemaObject(.trigger, a, "t"), ["in replication": "always: CREATE …"])
        #expect(SchemaDescription().differences(to: later).map(\.object.kind) == [.table, .trigger])
    }
}
