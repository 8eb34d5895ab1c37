// Reading a table pattern. The command line reads the names of tables with it too.
// What is too long for PostgreSQL is refused, never cut; what an unquoted name cannot hold must be quoted.

package import Model

package struct PatternError: Explained, Equatable {
    package let description: String
    package let hint: String?
    package var exitCode: ExitCode { .usage }
}

extension TablePattern {
    package init(_ text: String, place: Place = Place(line: 1, column: 1)) throws(PatternError) {
        try self.init(text, written: text, place: place)
    }

    /// `written` is what errors show of it, and what it is known by: `text` before environment variables were taken.
    init(_ text: String, written: String, place: Place) throws(PatternError) {
        var reader = PatternReader(text, written: written)
        let parts = try reader.parts()
        if parts.count == 1 { throw PatternReader.withoutSchema(written) }
        guard parts.count == 2 else {
            throw PatternError(
                description: "\(mention(written)) has more than two parts",
                hint: "a table is SCHEMA.TABLE; a part with a dot in its name stands in double quotes")
        }
        self.init(text: written, place: place, schema: parts[0], name: parts[1])
    }
}

private struct PatternReader {
    private let written: String
    private var rest: ArraySlice<Unicode.Scalar>

    init(_ text: String, written: String) {
        self.written = written
        rest = ArraySlice(text.unicodeScalars)
    }

    mutating func parts() throws(PatternError) -> [NamePattern] {
        var parts = [try part()]
        while let dot = rest.popFirst() {
            guard dot == "." else {
                throw problem("goes on after a closing `\"`", "only `.` may follow: \"Sales\".\"Odd.Name\"")
            }
            parts.append(try part())
        }
        return parts
    }

    static func withoutSchema(_ written: String) -> PatternError {
        PatternError(
            description: "\(mention(written)) names no schema",
            hint: mayBeSecret(written) ? nil : "did you mean \(mention("public." + written))?")
    }

    private mutating func part() throws(PatternError) -> NamePattern {
        let part = NamePattern(elements: try elements())
        guard !part.elements.isEmpty else { throw problem("has an empty part", "a table is SCHEMA.TABLE") }
        guard part.leastBytes <= StreamName.longest else {
            throw problem(
                "has a part of \(part.leastBytes) bytes", "PostgreSQL's names have at most \(StreamName.longest)")
        }
        return part
    }

    private mutating func elements() throws(PatternError) -> [NamePattern.Element] {
        if rest.first == "\"" { return try quotedPart() }
        guard rest.starts(with: "U&\"".unicodeScalars) || rest.starts(with: "u&\"".unicodeScalars) else {
            return try unquotedPart()
        }
        rest.removeFirst(2)
        return try unescaped(try quotedPart())
    }

    /// `U&"a\000A"` and `U&"a\+00000A"`, as PostgreSQL reads them and as tandem shows names with control characters.
    private func unescaped(_ elements: [NamePattern.Element]) throws(PatternError) -> [NamePattern.Element] {
        var result: [NamePattern.Element] = []
        var rest = elements[...]
        while let element = rest.popFirst() {
            guard element == .character("\\"), rest.first != .character("\\") else {
                if element == .character("\\") { rest.removeFirst() }
                result.append(element)
                continue
            }
            let isLong = rest.first == .character("+")
            if isLong { rest.removeFirst() }
            let digits = rest.prefix(isLong ? 6 : 4)
            rest = rest.dropFirst(digits.count)
            guard digits.count == (isLong ? 6 : 4), let scalar = scalar(digits) else {
                throw problem("has an escape that is none", "after `\\` stand 4 hexadecimal digits, or `+` and 6")
            }
            result.append(.character(scalar))
        }
        return result
    }

    private func scalar(_ digits: ArraySlice<NamePattern.Element>) -> Unicode.Scalar? {
        var value: UInt32 = 0
        for digit in digits {
            guard case .character(let scalar) = digit, let part = Character(scalar).hexDigitValue, scalar.isASCII else {
                return nil
            }
            value = value << 4 | UInt32(part)
        }
        return value == 0 ? nil : Unicode.Scalar(value)
    }

    private mutating func quotedPart() throws(PatternError) -> [NamePattern.Element] {
        rest.removeFirst()
        var elements: [NamePattern.Element] = []
        while let scalar = rest.popFirst() {
            if scalar == "\"" {
                guard rest.first == "\"" else { return elements }
                rest.removeFirst()
            }
            elements.append(.character(scalar))
        }
        throw problem("has no closing `\"`", nil)
    }

    private mutating func unquotedPart() throws(PatternError) -> [NamePattern.Element] {
        var elements: [NamePattern.Element] = []
        while let scalar = rest.first, scalar != "." {
            rest.removeFirst()
            switch scalar {
            case "*": if elements.last != .many { elements.append(.many) }
            case "?": elements.append(.one)
            case "A"..."Z", "a"..."z", "0"..."9", "_", "$", "\u{80}"...: elements.append(.character(folded(scalar)))
            default:
                throw problem(
                    "has a character that stands only in double quotes",
                    "quote that part, and all of it once more for YAML: '\"Sales\".\"Odd-Name\"'")
            }
        }
        return elements
    }

    /// PostgreSQL folds only ASCII letters of unquoted names in a multi-byte encoding.
    private func folded(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        ("A"..."Z").contains(scalar) ? Unicode.Scalar(UInt8(scalar.value) + 32) : scalar
    }

    private func problem(_ what: String, _ hint: String?) -> PatternError {
        PatternError(description: "\(mention(written)) \(what)", hint: hint)
    }
}
