// Names and text made to break out of their quotes, their log line or their terminal.

import Model
import Testing

@Suite struct IdentifierTests {
    @Test(arguments: [
        ("plain", "\"plain\""), ("", "\"\""), ("select", "\"select\""), ("Mixed Case", "\"Mixed Case\""),
        ("a\"b", "\"a\"\"b\""), ("\"", "\"\"\"\""), ("\"\"", "\"\"\"\"\"\""), ("a\\\"b", "\"a\\\"\"b\""),
        ("a;drop table x;--", "\"a;drop table x;--\""), ("a\nb", "\"a\nb\""), ("сло\u{301}н", "\"сло\u{301}н\""),
        ("$1", "\"$1\""), ("tab'le", "\"tab'le\""), ("a\u{200b}b😀", "\"a\u{200b}b😀\""),
        ("a\"\u{301}b", "\"a\"\"\u{301}b\""),
    ])
    func identifiers(name: String, sql: String) {
        #expect(Array(quoted(name).utf8) == Array(sql.utf8))
    }

    @Test(arguments: [
        ("plain", "'plain'"), ("", "''"), ("it's", "'it''s'"), ("'", "''''"), ("\\", " E'\\\\'"),
        ("\\'", " E'\\\\'''"), ("a\\nb", " E'a\\\\nb'"), ("a\nb", "'a\nb'"),
        ("'; drop table x; --", "'''; drop table x; --'"),
        ("\"q\"", "'\"q\"'"), ("é😀", "'é😀'"), ("'\u{301}", "'''\u{301}'"),
    ])
    func literals(text: String, sql: String) {
        #expect(Array(literal(text).utf8) == Array(sql.utf8))
    }

    /// Reading SQL's own rules backwards gives the name again, whatever is in it.
    @Test func identifiersAndLiteralsCanBeReadBack() {
        var random = SystemRandomNumberGenerator()
        let alphabet: [Unicode.Scalar] = ["\"", "'", "\\", "a", ".", "\n", "é", "\u{301}", "$", ";", "-", "😀"]
        for _ in 0..<2_000 {
            var text = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 0...8, using: &random) { text.append(alphabet.randomElement(using: &random)!) }
            #expect(unquoted(quoted(String(text)), quote: "\"", escapes: false) == Array(text), "\(text)")
            let sql = literal(String(text))
            let escapes = sql.hasPrefix(" E")
            #expect(escapes == text.contains("\\"))
            let body = String(sql.unicodeScalars.dropFirst(escapes ? 2 : 0))
            #expect(unquoted(body, quote: "'", escapes: escapes) == Array(text), "\(text)")
        }
    }

    private func unquoted(_ sql: String, quote: Unicode.Scalar, escapes: Bool) -> [Unicode.Scalar]? {
        let scalars = Array(sql.unicodeScalars)
        guard scalars.count >= 2, scalars.first == quote, scalars.last == quote else { return nil }
        var result: [Unicode.Scalar] = []
        var rest = scalars[1..<(scalars.count - 1)]
        while let scalar = rest.popFirst() {
            let special = scalar == quote || (escapes && scalar == "\\")
            if special && rest.popFirst() != scalar { return nil }
            result.append(scalar)
        }
        return result
    }

    @Test func qualifiedNamesQuoteBothParts() {
        #expect(QualifiedName(schema: "a.b", name: "c\"d").sql == "\"a.b\".\"c\"\"d\"")
        #expect(QualifiedName(schema: "public", name: "t").sql == "\"public\".\"t\"")
    }

    @Test(arguments: [
        ("public", "orders_2024", "public.orders_2024"), ("Public", "t", "\"Public\".t"), ("a", "2x", "a.\"2x\""),
        ("a", "", "a.\"\""), ("a", "b.c", "a.\"b.c\""), ("a", "b\"c", "a.\"b\"\"c\""),
        ("a", "b\nlevel=error", "a.U&\"b\\000Alevel=error\""), ("a", "\u{1b}[2J\\\"", "a.U&\"\\001B[2J\\\\\"\"\""),
        ("a\u{200b}", "\u{e0041}", "U&\"a\\200B\".U&\"\\+0E0041\""), ("a", "é", "a.\"é\""),
    ])
    func qualifiedNamesForPeople(schema: String, name: String, expected: String) {
        #expect(QualifiedName(schema: schema, name: name).description == expected)
    }

    @Test(arguments: [
        ("a b", "'a b'"), ("it's", "'it'\\''s'"), ("a\nb", "$'a\\x0ab'"), ("'\\\u{200b}", "$'\\'\\\\\\xe2\\x80\\x8b'"),
    ])
    func wordsForAShell(text: String, expected: String) {
        #expect(shellQuoted(text) == expected)
    }

    @Test func qualifiedNamesOrderBySchemaFirst() {
        let names = [("a", "z"), ("b", "a"), ("b", "b")].map { QualifiedName(schema: $0.0, name: $0.1) }
        #expect(names.reversed().sorted() == names)
    }

    @Test(arguments: [
        ("plain é 😀", "plain é 😀"), ("a\nb", "a\\nb"), ("a\r\nb", "a\\r\\nb"), ("\t", "\\t"), ("\u{1b}[31m", "\\e[31m"),
        ("\u{0}", "\\u{0}"), ("\u{7f}", "\\u{7f}"), ("\u{9b}31m", "\\u{9b}31m"), ("\u{85}", "\\u{85}"), ("", ""),
        ("a\u{2028}b\u{202e}c\u{200b}", "a\\u{2028}b\\u{202e}c\u{200b}"),
    ])
    func controlsBecomeVisible(text: String, expected: String) {
        #expect(withoutControls(text) == expected)
    }
}
