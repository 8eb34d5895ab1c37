// Lines of roff. Whatever text is put in, none of it is taken for a request or an escape.

struct RoffPage {
    private(set) var lines: [String] = []

    mutating func macro(_ name: String, _ arguments: String...) {
        let quoted = arguments.map { " \"" + RoffPage.escaped($0) + "\"" }
        lines.append(".\(name)" + quoted.joined())
    }

    /// Running text; words in backquotes become bold. A gap between words would stay one: man adds to it, never takes away.
    mutating func text(_ text: String) {
        let words = text.split { $0 == " " || $0 == "\n" }.joined(separator: " ")
        lines.append(RoffPage.guarded(RoffPage.emphasized(words)))
    }

    mutating func bold(_ text: String, then rest: String) {
        lines.append("\\fB\(RoffPage.escaped(text))\\fR \(RoffPage.escaped(rest))")
    }

    mutating func paragraph(_ paragraph: [String]) {
        lines.append(".PP")
        text(paragraph.joined(separator: " "))
    }

    /// Those whose lines begin with a space keep them.
    mutating func paragraphs(_ text: String) {
        for paragraph in Wrapping.paragraphs(text) {
            if Wrapping.isVerbatim(paragraph) { verbatim(paragraph) } else { self.paragraph(paragraph) }
        }
    }

    mutating func verbatim(_ paragraph: [String]) {
        lines += [".PP", ".nf"] + paragraph.map { RoffPage.guarded(RoffPage.escaped($0)) } + [".fi"]
    }

    mutating func item(_ heading: String, _ explanation: String) {
        lines += [".TP", "\\fB\(RoffPage.escaped(heading))\\fR"]
        text(explanation)
    }

    private static func emphasized(_ text: String) -> String {
        let parts = text.split(separator: "`", omittingEmptySubsequences: false)
        guard parts.count % 2 == 1 else { return escaped(text) }
        return parts.enumerated().map { place, part in
            place % 2 == 1 ? "\\fB\(escaped(String(part)))\\fR" : escaped(String(part))
        }.joined()
    }

    /// Dashes stay dashes that can be copied, and what is not ASCII is named.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\e"
            case "-": result += "\\-"
            case "\"": result += "\\(dq"
            case "'": result += "\\(aq"
            case "`": result += "\\(ga"
            case "^": result += "\\(ha"
            case "~": result += "\\(ti"
            case "\n": result += " "
            case _ where !scalar.isASCII: result += "\\[u\(hexadecimal(scalar))]"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func hexadecimal(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    /// A line that begins with a dot is a request, unless an empty character stands before it.
    private static func guarded(_ line: String) -> String { line.hasPrefix(".") ? "\\&" + line : line }
}
