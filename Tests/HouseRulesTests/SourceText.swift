// Swift source with its comments and string literals blanked out, so that a word in them is not taken for code. Lines keep
// their numbers. Interpolations count as part of their string.

struct SourceText {
    let code: String

    var lines: [Substring] { code.split(separator: "\n", omittingEmptySubsequences: false) }

    init(_ source: String) {
        var scanner = Scanner(rest: Array(source)[...])
        code = scanner.blanked()
    }
}

private struct Scanner {
    var rest: ArraySlice<Character>
    private var result = ""

    init(rest: ArraySlice<Character>) { self.rest = rest }

    mutating func blanked() -> String {
        while let next = rest.first {
            if starts("//") {
                while let next = rest.first, !next.isNewline { blank() }
            } else if starts("/*") {
                skipBlockComment()
            } else if let hashes = stringStart() {
                skipString(hashes)
            } else {
                result.append(next)
                rest.removeFirst()
            }
        }
        return result
    }

    private func starts(_ text: String) -> Bool { rest.first == text.first && rest.starts(with: text) }

    private mutating func blank(_ count: Int = 1) {
        for _ in 0..<count {
            guard let next = rest.popFirst() else { return }
            result.append(next.isNewline ? next : " ")
        }
    }

    private mutating func skipBlockComment() {
        var depth = 0
        repeat {
            if starts("/*") {
                depth += 1
                blank(2)
            } else if starts("*/") {
                depth -= 1
                blank(2)
            } else {
                blank()
            }
        } while depth > 0 && !rest.isEmpty
    }

    /// The number of `#` before an opening quote; nil when no string starts here.
    private func stringStart() -> Int? {
        // Of nearly every character this is all that is asked.
        guard rest.first == "\"" || rest.first == "#" else { return nil }
        let hashes = rest.prefix { $0 == "#" }.count
        return rest.dropFirst(hashes).first == "\"" ? hashes : nil
    }

    private mutating func skipString(_ hashes: Int) {
        let marks = String(repeating: "#", count: hashes)
        let quote = rest.dropFirst(hashes).starts(with: "\"\"\"") ? "\"\"\"" : "\""
        let (end, escape, interpolation) = (quote + marks, "\\" + marks, "\\" + marks + "(")
        blank(hashes + quote.count)
        while !rest.isEmpty {
            if starts(end) { return blank(quote.count + hashes) }
            if starts(interpolation) {
                blank(2 + hashes)
                skipInterpolation()
            } else if starts(escape) {
                blank(2 + hashes)
            } else {
                if quote.count == 1, rest.first?.isNewline == true { return }
                blank()
            }
        }
    }

    private mutating func skipInterpolation() {
        var depth = 1
        while depth > 0, let next = rest.first {
            if let hashes = stringStart() {
                skipString(hashes)
                continue
            }
            if next == "(" { depth += 1 }
            if next == ")" { depth -= 1 }
            blank()
        }
    }
}
