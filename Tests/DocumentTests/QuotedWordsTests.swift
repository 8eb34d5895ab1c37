// What the tables of troubleshooting and operations quote in their first column, as what somebody sees, is what tandem says: words
// that were changed in the sources and not in the documents are found here.

import Foundation
import Testing

@Suite struct QuotedWordsTests {
    private static let pages = [
        "docs/troubleshooting.md", "docs/operations.md", "docs/operator-guide.md", "docs/switch.md", "docs/reverse.md",
        "docs/monitoring.md",
    ]

    /// All sources, with texts that stand in several literals joined.
    private func sources() throws -> String {
        let folder = "\(Document.root)/Sources"
        return try FileManager.default.subpathsOfDirectory(atPath: folder).filter { $0.hasSuffix(".swift") }.map {
            try String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8)
        }.joined().replacing(/"\s*\+\s*"/, with: "").replacing(/\\\n\s*/, with: "")
    }

    @Test func whatATableQuotesIsSaid() throws {
        let said = try sources()
        var looked = 0
        for page in Self.pages {
            for row in try Document(page).text.matches(of: /(?m)^\|([^|\n]*)\|/) {
                for quote in row.1.matches(of: /`([^`]+)`/).map({ String($0.1) }) {
                    // Commands, alerts, paths, files and words of SQL have tests of their own, or are not tandem's.
                    if quote.firstMatch(of: /^(tandem |make |Tandem|\/|[A-Z_ ]+$|[\w.]+\.(md|yaml))/) != nil {
                        continue
                    }
                    // Between what is filled in.
                    let pieces = quote.split(separator: /…|\b(old|new|lag|column)\b|[\d.:]+/).map {
                        $0.trimmingCharacters(in: CharacterSet(charactersIn: " ,;\""))
                    }
                    for piece in pieces where piece.count > 3 {
                        looked += 1
                        #expect(said.contains(piece), "\(page) quotes \(quote)")
                    }
                }
            }
        }
        #expect(looked > 50, "\(looked)")
    }
}
