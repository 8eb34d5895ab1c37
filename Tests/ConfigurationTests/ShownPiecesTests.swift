// Every piece of a configuration that the documents show is one that is understood, as it stands there.

import Configuration
import Foundation
import Testing

@Suite struct ShownPiecesTests {
    private static let root = String(#filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined())

    private func pieces() throws -> [(place: String, text: String)] {
        let folder = "\(Self.root)/docs"
        let pages = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".md") }.sorted()
        return try (["README.md"] + pages.map { "docs/\($0)" }).flatMap { page in
            let text = try String(contentsOfFile: "\(Self.root)/\(page)", encoding: .utf8)
            return text.matches(of: /(?m)^```yaml\n((?:.*\n)*?)```$/).map { (page, String($0.1)) }
        }
    }

    @Test func everyPieceIsUnderstood() throws {
        // Prometheus' own.
        let shown = try pieces().filter { !$0.text.hasPrefix("scrape_configs:") }
        #expect(shown.count >= 7, "\(shown.count)")
        for (place, text) in shown {
            var whole = text
            for (key, value) in [
                ("migration", "bookstore"), ("pairs", "[{name: shop, old: host=old.example, new: host=new.example}]"),
                ("data_a", "[\"public.*\"]"),
            ] where text.firstMatch(of: try Regex("(?m)^\(key):")) == nil {
                whole += "\(key): \(value)\n"
            }
            #expect(throws: Never.self, "\(place):\n\(text)") {
                try Configuration.parse(whole, file: "tandem.yaml")
            }
        }
    }
}
