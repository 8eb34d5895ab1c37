// The documents of the checkout as text: blocks of commands, inline code, links, anchors.

import Foundation

struct Document {
    static let root = String(#filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined())

    /// From the top of the checkout.
    let path: String
    let text: String
    private let withoutBlocks: String

    init(_ path: String) throws {
        self.path = path
        text = try String(contentsOfFile: "\(Self.root)/\(path)", encoding: .utf8)
        // Parts with odd numbers are blocks.
        let parts = text.components(separatedBy: "```")
        withoutBlocks = stride(from: 0, to: parts.count, by: 2).map { parts[$0] }.joined()
    }

    static func all() throws -> [Document] {
        let docs = ["docs", "docs/decisions"].flatMap { folder in
            ((try? FileManager.default.contentsOfDirectory(atPath: "\(root)/\(folder)")) ?? [])
                .filter { $0.hasSuffix(".md") }.sorted().map { "\(folder)/\($0)" }
        }
        return try (["README.md", "CONTRIBUTING.md", "CHANGELOG.md"] + docs).map { try Document($0) }
    }

    /// Of fenced blocks: what a shell is given, and what stands behind `$ ` where output is shown as well.
    var commandBlocks: [String] {
        text.matches(of: /(?m)^```(sh|console|)\n((?:.*\n)*?)```$/).map { match in
            if match.1 == "sh" { return String(match.2) }
            return match.2.split(separator: "\n").filter { $0.hasPrefix("$ ") }.map { String($0.dropFirst(2)) }
                .joined(separator: "\n")
        }
    }

    /// The lines of those blocks; from the first of the words on, when it is followed by the second.
    func lines(after words: String...) -> [String] {
        let all = commandBlocks.flatMap { $0.split(separator: "\n").map(String.init) }
        guard !words.isEmpty else { return all }
        let start = all.indices.first { at in
            words.indices.allSatisfy { at + $0 < all.count && all[at + $0].hasPrefix(words[$0]) }
        }
        return start.map { Array(all[$0...].prefix { $0.hasPrefix("tandem ") }) } ?? []
    }

    /// The first that begins so.
    func line(_ beginning: String) -> String? { lines().first { $0.hasPrefix(beginning) } }

    /// Whole command lines in the text; outlines with brackets and choices are none.
    var inlineCommands: [String] {
        withoutBlocks.matches(of: /`(tandem [^`]+)`/).map { String($0.1).replacing(/\s+/, with: " ") }
            .filter { $0.firstMatch(of: /[\[\]|…<>]/) == nil }
    }

    /// A fenced block, or inline code, and where it begins.
    struct Piece {
        /// `docs/guide.md:79`
        let place: String
        /// Behind the fence.
        let language: String
        let text: String
    }

    var blocks: [Piece] { split.blocks }

    /// Inline code, on one line, as it is read.
    var spans: [Piece] {
        let prose = split.prose
        var (line, counted) = (1, prose.startIndex)
        return prose.matches(of: /`([^`]+)`/).map { match in
            line += prose[counted..<match.range.lowerBound].count { $0 == "\n" }
            counted = match.range.lowerBound
            let text = match.1.replacing(/\s+/, with: " ").replacing("\\|", with: "|")
            return Piece(place: "\(path):\(line)", language: "", text: String(text))
        }
    }

    /// Blocks apart from the rest, which keeps its lines.
    private var split: (blocks: [Piece], prose: String) {
        var blocks: [Piece] = []
        var prose: [Substring] = []
        var open: (line: Int, language: Substring, lines: [Substring])?
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let isFence = line.hasPrefix("```")
            prose.append(open != nil || isFence ? "" : line)
            switch (open, isFence) {
            case (nil, true): open = (number + 2, line.dropFirst(3), [])
            case (let begun?, true):
                let text = begun.lines.joined(separator: "\n") + "\n"
                blocks.append(Piece(place: "\(path):\(begun.line)", language: String(begun.language), text: text))
                open = nil
            case (_?, false): open?.lines.append(line)
            case (nil, false): break
            }
        }
        return (blocks, prose.joined(separator: "\n"))
    }

    /// What a reader works with: README, CONTRIBUTING and the pages, without records of decisions and what has changed.
    static func pages() throws -> [Document] {
        try all().filter { $0.path != "CHANGELOG.md" && !$0.path.hasPrefix("docs/decisions/") }
    }

    /// Targets of links, without those to other places.
    var links: [String] {
        withoutBlocks.matches(of: /\]\(([^)\s]+)\)/).map { String($0.1) }.filter { !$0.contains("://") }
    }

    /// As a forge makes them from headings.
    var anchors: Set<String> {
        var seen: [String: Int] = [:]
        var all: Set<String> = []
        for heading in withoutBlocks.matches(of: /(?m)^#+ (.+)$/) {
            let kept = heading.1.lowercased().filter { $0.isLetter || $0.isNumber || "- _".contains($0) }
            let anchor = kept.replacing(" ", with: "-")
            let count = seen[anchor, default: 0]
            seen[anchor] = count + 1
            all.insert(count == 0 ? anchor : "\(anchor)-\(count)")
        }
        return all
    }
}
