// What patterns match, what they refuse, and which of two lists wins.

import Configuration
import Model
import Testing

@Suite struct TablePatternTests {
    private func name(_ schema: String, _ name: String) -> QualifiedName { QualifiedName(schema: schema, name: name) }

    private func pattern(_ text: String) throws -> TablePattern { try TablePattern(text) }

    @Test(arguments: [
        ("public.orders", "public", "orders", true),
        ("public.orders", "public", "order", false),
        ("public.orders", "public", "orders2", false),
        ("public.orders", "Public", "orders", false),
        ("Public.Orders", "public", "orders", true),
        ("Public.Orders", "Public", "Orders", false),
        ("public.*", "public", "anything at all", true),
        ("public.*", "public", "", true),
        ("public.*", "publication", "x", false),
        ("stats.*", "stats", "Daily.Sales", true),
        ("*.audit_*", "a", "audit_", true),
        ("*.audit_*", "a", "audit_log", true),
        ("*.audit_*", "a", "my_audit_log", false),
        ("*.*_audit", "a", "x_audit_audit", true),
        ("*.a*b*c", "a", "abbcbc", true),
        ("*.a*b*c", "a", "abbcb", false),
        ("*.**", "a", "b", true),
        ("s?.t", "s1", "t", true),
        ("s?.t", "s", "t", false),
        ("s?.t", "s12", "t", false),
        ("s?.t", "sä", "t", true),
        ("*.t?", "a", "t😀", true),
        ("\"Sales\".\"Odd.Name\"", "Sales", "Odd.Name", true),
        ("\"Sales\".\"Odd.Name\"", "sales", "odd.name", false),
        ("\"a*\".\"b?\"", "a*", "b?", true),
        ("\"a*\".\"b?\"", "aa", "bb", false),
        ("\"say \"\"hi\"\"\".*", "say \"hi\"", "x", true),
        ("\"A\".t*", "A", "t1", true),
        ("ÄRGER.t", "Ärger", "t", true),
        ("ÄRGER.t", "ärger", "t", false),
        ("Ärger.t", "Ärger", "t", true),
        ("t$1.x_9", "t$1", "x_9", true),
        ("U&\"a\\000Ab\".u&\"\\+01F600\\\\\"\"\"", "a\nb", "😀\\\"", true),
        ("u.U&\"*\"", "u", "x", false),
    ])
    func matching(_ text: String, _ schema: String, _ table: String, _ expected: Bool) throws {
        #expect(try pattern(text).matches(name(schema, table)) == expected)
    }

    @Test(arguments: ["\\00", "\\00g0", "\\+0000", "\\d800", "\\0000", "\\", "\\+110000"])
    func escapesThatAreNone(escape: String) {
        #expect(throws: PatternError.self) { try pattern("a.U&\"x\(escape)\"") }
    }

    /// What tandem shows of a name is a pattern that means it and nothing else.
    @Test func whatIsShownOfANameIsReadAsThatName() throws {
        for text in ["a", "A", "a\nb", "\u{1b}[2J\"\\", "*", "U&", "\u{200b}?", "\\000A", "e\u{301}", "a.b", "$1"] {
            let both = name(text, "x" + text)
            #expect(try pattern(both.description).literalName == both)
            #expect(try pattern(both.pasteable).literalName == both)
        }
    }

    @Test func namesAreComparedByCodePoint() throws {
        #expect(try pattern("a.\u{e9}").matches(name("a", "\u{e9}")))
        #expect(try !pattern("a.\u{e9}").matches(name("a", "e\u{301}")))
    }

    @Test(.timeLimit(.minutes(1))) func manyStarsEndSoon() throws {
        let stars = try pattern("a." + String(repeating: "a*", count: 31) + "b")
        #expect(!stars.matches(name("a", String(repeating: "a", count: 2000))))
    }

    @Test func literals() throws {
        #expect(try pattern("Public.Orders").literalName == name("public", "orders"))
        #expect(try pattern("\"A*\".\"b\"\"?\"").literalName == name("A*", "b\"?"))
        #expect(try pattern("a.b").isLiteral)
        #expect(try !pattern("a.b*").isLiteral)
        #expect(try !pattern("a?.b").isLiteral)
        #expect(try pattern("*.*").literalName == nil)
    }

    @Test(arguments: [
        ("orders", "`orders` names no schema → did you mean `public.orders`?"),
        ("*", "`*` names no schema → did you mean `public.*`?"),
        ("\"Odd.Name\"", "`\"Odd.Name\"` names no schema → did you mean `public.\"Odd.Name\"`?"),
        (
            "shop.public.orders",
            "`shop.public.orders` has more than two parts → a table is SCHEMA.TABLE; a part with a "
                + "dot in its name stands in double quotes"
        ),
        (".orders", "`.orders` has an empty part → a table is SCHEMA.TABLE"),
        ("public.", "`public.` has an empty part → a table is SCHEMA.TABLE"),
        ("a..b", "`a..b` has an empty part → a table is SCHEMA.TABLE"),
        ("", "`` has an empty part → a table is SCHEMA.TABLE"),
        ("\"\".a", "`\"\".a` has an empty part → a table is SCHEMA.TABLE"),
        ("\"a.b", "`\"a.b` has no closing `\"`"),
        ("\"a\"\".b", "`\"a\"\".b` has no closing `\"`"),
        ("\"a\"b.c", "`\"a\"b.c` goes on after a closing `\"` → only `.` may follow: \"Sales\".\"Odd.Name\""),
        ("a.\"b\"*", "`a.\"b\"*` goes on after a closing `\"` → only `.` may follow: \"Sales\".\"Odd.Name\""),
        (
            "a-b.c",
            "`a-b.c` has a character that stands only in double quotes → quote that part, and all of it once "
                + "more for YAML: '\"Sales\".\"Odd-Name\"'"
        ),
        (
            "a. b",
            "`a. b` has a character that stands only in double quotes → quote that part, and all of it once "
                + "more for YAML: '\"Sales\".\"Odd-Name\"'"
        ),
    ])
    func refusals(_ text: String, _ expected: String) throws {
        let error = try #require(throws: PatternError.self) { try TablePattern(text) }
        #expect([error.description, error.hint].compactMap { $0 }.joined(separator: " → ") == expected)
        #expect(error.exitCode == .usage)
        let yaml = "exclude: ['\(text)']"
        if !text.isEmpty { #expect(complaint(after: yaml) == "tandem.yaml:7:11: \(expected)") }
    }

    @Test func longPartsAreRefusedNotCut() throws {
        let fits = String(repeating: "a", count: 63)
        #expect(try pattern("\(fits).\(fits)").literalName == name(fits, fits))
        #expect(try pattern("a.\(fits)*").matches(name("a", fits)))
        let umlauts = String(repeating: "ä", count: 32)
        for text in ["a.\(fits)a", "\(fits)a.a", "a.\"\(umlauts)\"", "a.*\(fits)?"] {
            let error = try #require(throws: PatternError.self) { try TablePattern(text) }
            #expect(error.description.hasSuffix("has a part of 64 bytes"))
            #expect(error.hint == "PostgreSQL's names have at most 63")
        }
    }

    @Test(arguments: [
        ("[a.b, c.d, a.b]", "`a.b`", "7:21", "7:11"),
        ("[stats.*, 'STATS.**']", "`STATS.**`", "7:20", "7:11"),
        ("['\"a\".b', A.B]", "`A.B`", "7:20", "7:11"),
    ])
    func listedTwice(_ list: String, _ text: String, _ second: String, _ first: String) {
        #expect(
            complaint(after: "exclude: \(list)")
                == "tandem.yaml:\(second): `exclude` lists \(text) twice, first at \(first)")
    }

    @Test func whatOnlyLooksTheSameIsNotListedTwice() throws {
        #expect(try read("exclude: ['\"a*\".b', 'a*.b', '\"A\".b', a.b]").exclude.count == 4)
    }

    @Test func dataAMustListSomething() {
        #expect(
            complaint("migration: m\npairs: [{name: a, old: b, new: c}]\ndata_a: []")
                == "tandem.yaml:3:9: `data_a` lists nothing; it needs at least one table")
    }

    @Test(arguments: [
        (["public.*"], [], true),
        ([], [], false),
        (["other.*"], [], false),
        (["public.*"], ["public.orders"], false),
        (["public.orders"], ["public.*"], true),
        (["public.orders"], ["public.orders"], false),
        (["public.*"], ["*.orders"], false),
        (["public.*", "public.orders"], ["*.orders"], true),
        (["public.orders", "public.*"], ["public.orders", "*.x"], false),
        (["public.*"], ["public.other"], true),
    ])
    func selection(_ dataA: [String], _ exclude: [String], _ expected: Bool) throws {
        let selection = TableSelection(dataA: try dataA.map(pattern), exclude: try exclude.map(pattern))
        #expect(selection.isDataA(name("public", "orders")) == expected)
    }

    @Test func matchingAgreesWithANaiveMatcher() throws {
        var random = SplitMix(seed: 20_240_607)
        for _ in 0..<4000 {
            let glob = random.text(from: "ab*?", upTo: 7)
            let text = random.text(from: "ab", upTo: 8)
            let expected = naive(Array(glob), Array(text))
            #expect(try pattern("s.x\(glob)").matches(name("s", "x\(text)")) == expected, "\(glob) on \(text)")
        }
    }

    private func naive(_ glob: [Character], _ text: [Character]) -> Bool {
        guard let first = glob.first else { return text.isEmpty }
        let rest = Array(glob.dropFirst())
        if first == "*" { return (0...text.count).contains { naive(rest, Array(text.dropFirst($0))) } }
        guard let letter = text.first, first == "?" || first == letter else { return false }
        return naive(rest, Array(text.dropFirst()))
    }
}
