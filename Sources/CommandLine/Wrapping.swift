// Text laid out in lines of a given width. Words longer than a line stand alone and stick out; nothing is lost. Pure.

enum Wrapping {
    static func lines(_ text: String, width: Int) -> [String] {
        self.lines(text.split(whereSeparator: { $0 == " " || $0 == "\n" }).map(String.init), width: width)
    }

    /// As many of `words`, whole, as fit on each line.
    static func lines(_ words: [String], width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in words {
            if line.isEmpty {
                line = word
            } else if line.count + 1 + word.count <= width {
                line += " " + word
            } else {
                lines.append(line)
                line = word
            }
        }
        return line.isEmpty ? lines : lines + [line]
    }

    /// Paragraphs with an empty line between them; one whose lines begin with a space keeps its lines.
    static func paragraphs(_ text: String, width: Int) -> [String] {
        var result: [String] = []
        for paragraph in paragraphs(text) {
            if !result.isEmpty { result.append("") }
            result += isVerbatim(paragraph) ? paragraph : lines(paragraph.joined(separator: "\n"), width: width)
        }
        return result
    }

    static func paragraphs(_ text: String) -> [[String]] {
        text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            .split(whereSeparator: \.isEmpty).map(Array.init)
    }

    static func isVerbatim(_ paragraph: [String]) -> Bool { paragraph.allSatisfy { $0.hasPrefix(" ") } }

    /// Two columns, indented by two: names, and what they mean beside them, or below a name too long for its column.
    static func table(_ rows: [(String, String)], width: Int) -> [String] {
        let column = min(rows.map(\.0.count).max() ?? 0, widestName) + 4
        let indent = String(repeating: " ", count: column)
        var result: [String] = []
        for (name, meaning) in rows {
            let meaning = lines(meaning, width: max(width - column, 20))
            let fits = name.count + 4 <= column
            let head = "  " + name
            if fits, let first = meaning.first {
                result.append(head + String(repeating: " ", count: column - head.count) + first)
            } else {
                result.append(head)
            }
            result += meaning.dropFirst(fits ? 1 : 0).map { indent + $0 }
        }
        return result
    }

    private static let widestName = 24
}
