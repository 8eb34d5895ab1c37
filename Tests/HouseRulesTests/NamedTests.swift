// What documents say is tested: each table's last column names suites, tests, soaks and targets of make, and they must exist.

internal import Foundation

struct NamedTests {
    /// Functions by suite. Where two suites share a name, those of both.
    private(set) var suites: [String: Set<String>] = [:]
    let soaks: Set<String>
    let targets: Set<String>

    /// `files` are those below Tests.
    init(files: [SwiftFile], soaks: Set<String>, makefile: String) {
        self.soaks = soaks
        targets = Set(makefile.matches(of: /(?m)^([a-z-]+):/).map { String($0.1) })
        for file in files {
            let code = file.code.code
            let functions = Set(code.matches(of: /\bfunc\s+(\w+)/).map { String($0.1) })
            for suite in code.matches(of: /\b(?:struct|extension)\s+(\w+Tests)\b/) {
                suites[String(suite.1), default: []].formUnion(functions)
            }
        }
    }

    /// What a document names in vain, and rows that name nothing. Rows of tables whose head does not end in `tried by` are
    /// not looked at.
    func violations(_ path: String, _ text: String) -> [String] {
        var found: [String] = []
        var isTried = false
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            guard line.hasPrefix("|") else {
                isTried = false
                continue
            }
            let last = line.dropLast().split(separator: "|").last.map(String.init) ?? ""
            if last.contains("tried by") { isTried = true }
            guard isTried, !last.contains("tried by"), !last.contains("---") else { continue }
            let names = last.matches(of: /`([^`]+)`/).map { String($0.1) }
            let place = "\(path):\(number + 1)"
            if names.isEmpty { found.append("\(place) names no test") }
            found += names.filter { !exists($0) }.map { "\(place) names \($0), which is not there" }
        }
        return found
    }

    private func exists(_ name: String) -> Bool {
        // A command in passing.
        if name.hasPrefix("tandem ") { return true }
        let words = name.split(separator: " ").map(String.init)
        if words.count == 2 {
            return words[0] == "soak" ? soaks.contains(words[1]) : words[0] == "make" && targets.contains(words[1])
        }
        let parts = name.split(separator: "/").map(String.init)
        guard words.count == 1, let first = parts.first, let functions = suites[first] else { return false }
        return parts.count == 1 || parts.count == 2 && functions.contains(parts[1])
    }
}
