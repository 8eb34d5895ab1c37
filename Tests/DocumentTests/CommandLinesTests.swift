// Every `tandem …` that the documents show, in blocks or in the text, is one that tandem understands; so are those in its own
// hints. And the reference names every command, option and configuration key there is.

import Foundation
import TestSupport
import Testing

@Suite(.blocking) struct CommandLinesTests {
    private struct Line: Hashable {
        let place: String
        let words: [String]
    }

    /// What tandem is given; nil for other programs.
    private func arguments(_ words: [String]) -> [String]? {
        if words.first == "tandem" { return Array(words.dropFirst()) }
        if words.prefix(2) == ["sudo", "-u"] { return arguments(Array(words.dropFirst(3))) }
        guard words.prefix(2) == ["docker", "compose"] || words.prefix(2) == ["docker", "exec"] else { return nil }
        // The image's entry is tandem itself; `exec` names it.
        if let run = words.firstIndex(of: "run"), let service = words[run...].firstIndex(of: "shop") {
            return Array(words[(service + 1)...])
        }
        guard let exec = words.firstIndex(of: "exec"), words.count > exec + 2 else { return nil }
        return arguments(Array(words[(exec + 2)...]))
    }

    /// Whatever tandem says of command lines it does not understand.
    private func refuse(_ lines: [Line]) throws -> [String] {
        let input = try lines.map { String(decoding: try JSONEncoder().encode($0.words), as: UTF8.self) }
        let outcome = try Command(TandemBinary.path, ["documents", "--parse", "-"]).run(
            input: input.joined(separator: "\n"))
        return outcome.stdout.split(separator: "\n").map { said in
            let number = Int(said.prefix { $0.isNumber }) ?? 0
            return
                "\(lines[number].place): tandem \(lines[number].words.joined(separator: " "))\(said.drop { $0.isNumber })"
        }
    }

    /// In a sentence a command may be named without what it needs.
    private static func isAName(_ refusal: String) -> Bool {
        [" needs ", " is missing", " is not a whole command"].contains { refusal.contains($0) }
    }

    /// Without what the command needs, as in a sentence.
    func isOnlyAName(_ text: String) throws -> Bool {
        let lines = ShellText(text).commands.compactMap(arguments).map { Line(place: "", words: $0) }
        return try lines.contains { $0.words.isEmpty } || refuse(lines).contains(where: Self.isAName)
    }

    @Test func everyCommandLineInTheDocumentsIsUnderstood() throws {
        var lines: [Line] = []
        for document in try Document.all() where document.path != "CHANGELOG.md" {
            for (texts, place) in [(document.commandBlocks, "block in "), (document.inlineCommands, "")] {
                for words in texts.flatMap({ ShellText($0).commands }) {
                    guard let arguments = arguments(words), !arguments.isEmpty, arguments != ["help", "COMMAND"] else {
                        continue
                    }
                    lines.append(Line(place: place + document.path, words: arguments))
                }
            }
        }
        #expect(lines.count > 150, "\(lines.count)")
        let refused = try refuse(lines).filter { $0.hasPrefix("block in ") || !Self.isAName($0) }
        #expect(refused.isEmpty, "\n\(refused.joined(separator: "\n"))")
    }

    @Test func soIsEveryOneInAHint() throws {
        var lines: [Line] = []
        let sources = "\(Document.root)/Sources"
        for path in try FileManager.default.subpathsOfDirectory(atPath: sources) where path.hasSuffix(".swift") {
            let text = try String(contentsOfFile: "\(sources)/\(path)", encoding: .utf8)
            for piece in text.components(separatedBy: "`tandem ").dropFirst() {
                let line = piece.prefix { $0 != "`" }
                guard line.count < piece.count, line.count < 200, !line.contains(where: { "\\\n…[|".contains($0) })
                else {
                    continue
                }
                for words in ShellText("tandem \(line)").commands {
                    guard let arguments = arguments(words), !arguments.isEmpty else { continue }
                    lines.append(Line(place: path, words: arguments))
                }
            }
        }
        #expect(lines.count > 60, "\(lines.count)")
        let refused = try refuse(lines).filter { !Self.isAName($0) }
        #expect(refused.isEmpty, "\n\(refused.joined(separator: "\n"))")
    }

    @Test func theReferenceNamesEveryCommandAndOption() throws {
        let reference = try Document("docs/commands.md").text + Document("docs/bookstore.md").text
        func words(_ arguments: String...) throws -> [String] {
            try Command(TandemBinary.path, arguments).succeed().split(separator: "\n").map(String.init)
        }
        let listed = try words("documents", "--list", "-")
        #expect(listed.count > 25)
        for line in listed {
            let parts = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            let name = try #require(parts.first)
            let known = name.split(separator: " ").map(String.init)
            let last = try #require(known.last)
            let outlined = try Regex("tandem \(known[0]) [a-z|]*\\b\(last)\\b")
            let isNamed = reference.contains("tandem \(name)") || reference.contains(outlined)
            #expect(isNamed, "docs/commands.md does not have `tandem \(name)`")
            for option in parts.dropFirst() where !option.isEmpty {
                let isThere = reference.contains("--\(option)")
                #expect(isThere, "docs/commands.md does not have --\(option) of `\(name)`")
            }
        }
    }

    /// In the words of help and the manual pages, and no others.
    @Test func exitCodesAreThoseOfHelp() throws {
        let help = try Command(TandemBinary.path, ["help"]).succeed().split(separator: "\n").map(String.init)
        let start = try #require(help.firstIndex(of: "Exit codes:"))
        let told = help[(start + 1)...].compactMap { line -> String? in
            let match = line.firstMatch(of: /^  (\d+) +(.+)$/)
            return match.map { "| \($0.1) | \($0.2) |" }
        }
        let rows = try Document("docs/commands.md").text.matches(of: /(?m)^\| \d+ \| [^|]+ \|/).map { String($0.0) }
        #expect(told.count == 7 && rows == told)
    }

    @Test func everyConfigurationKeyIsDocumented() throws {
        let reference = try Document("docs/configuration.md").text
        let folder = "\(Document.root)/Sources/Configuration"
        var keys: [String] = []
        for file in try FileManager.default.contentsOfDirectory(atPath: folder) where file.hasSuffix(".swift") {
            let text = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
            for list in text.matches(of: /enum \w*Key: String, CaseIterable \{([^}]*)\}/) {
                for line in list.1.matches(of: /case ([^\n]+)/) {
                    for one in line.1.split(separator: ",") {
                        let named = one.firstMatch(of: /"([^"]+)"/).map { String($0.1) }
                        keys.append(named ?? one.trimmingCharacters(in: .whitespaces))
                    }
                }
            }
        }
        #expect(keys.count > 40, "\(keys)")
        for key in Set(keys).sorted() {
            let places = ["`\(key)`", ".\(key)`", "`\(key).", "{\(key): ", ", \(key): "]
            #expect(places.contains { reference.contains($0) }, "docs/configuration.md does not have \(key)")
        }
    }

    @Test func linksLeadSomewhere() throws {
        let documents = try Document.all()
        let anchors = Dictionary(uniqueKeysWithValues: documents.map { ($0.path, $0.anchors) })
        for document in documents {
            let folder = document.path.split(separator: "/").dropLast().map(String.init)
            for link in document.links {
                let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
                var place = folder
                for step in parts[0].split(separator: "/") {
                    if step == ".." { _ = place.popLast() } else if step != "." { place.append(String(step)) }
                }
                let target = parts[0].isEmpty ? document.path : place.joined(separator: "/")
                let isThere = FileManager.default.fileExists(atPath: "\(Document.root)/\(target)")
                #expect(isThere, "\(document.path) links to \(link)")
                if parts.count == 2, let known = anchors[target] {
                    #expect(known.contains(parts[1]), "\(document.path) links to \(link), which is no heading there")
                }
            }
        }
    }
}
