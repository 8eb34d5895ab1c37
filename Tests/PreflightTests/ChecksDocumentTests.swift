// docs/checks.md is what the checks say of themselves, and their names are fit for scripts.

import Foundation
import Preflight
import Testing

@Suite struct ChecksDocumentTests {
    @Test func theDocumentIsMadeFromTheChecks() throws {
        let root = String(#filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined())
        let document = try String(contentsOfFile: "\(root)/docs/checks.md", encoding: .utf8)
        #expect(document == ChecksDocument.text + "\n", "`make documents` writes it afresh")
    }

    @Test func namesAreStableWords() {
        let names = Check.all.map(\.name)
        #expect(Set(names).count == names.count)
        for name in names { #expect(name.wholeMatch(of: /[a-z][a-z-]*[a-z]/) != nil, "\(name)") }
    }

    @Test func everyCheckExplainsItself() {
        for check in Check.all {
            #expect(check.reason.hasSuffix(".") || check.reason.hasSuffix(")"), "\(check.name)")
            #expect(!check.title.isEmpty && !check.remedy.isEmpty, "\(check.name)")
        }
    }
}
