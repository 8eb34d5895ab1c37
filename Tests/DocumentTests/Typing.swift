// What a document shows, typed line after line in one directory, as a reader would: words that stand for something become it, who is
// asked answers, what would go on for ever is interrupted. It keeps which lines it has typed.

import Foundation
import TestSupport
import Testing

final class Typing {
    let scenario: Scenario
    /// What stands for something in the documents, and what it is here.
    var meaning: [(word: String, is: String)]
    /// Lines as the documents show them.
    private(set) var typed: Set<String> = []
    private let path: String

    init(_ scenario: Scenario) throws {
        self.scenario = scenario
        // tandem by that name.
        let bin = "\(scenario.directory)/bin"
        try FileManager.default.createDirectory(atPath: bin, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: "\(bin)/tandem", withDestinationPath: TandemBinary.path)
        path = "\(bin):\(try PostgresInstallation.newest.bindir):/usr/bin:/bin"
        meaning = [
            ("OLD", "'\(scenario.old.connection)'"), ("NEW", "'\(scenario.new.connection)'"),
            ("CONN", "'\(scenario.old.connection)'"),
        ]
    }

    func mean(_ word: String, _ it: String) {
        meaning.removeAll { $0.word == word }
        meaning.append((word, it))
    }

    private var environment: [String: String] {
        get throws {
            try PostgresInstallation.tandemEnvironment.merging(["PATH": path, "NO_COLOR": "1", "TERM": "dumb"]) { $1 }
        }
    }

    /// The line without what is said about it.
    static func bare(_ line: String) -> String { line.replacing(/(^|\s+)#.*$/, with: "") }

    func real(_ line: String) -> String {
        meaning.reduce(line) { text, one in
            var result = ""
            var rest = text[...]
            while let found = rest.firstRange(of: one.word) {
                let before = rest[..<found.lowerBound].last ?? (result.last ?? " ")
                let after = rest[found.upperBound...].first ?? " "
                let isWord = !(before.isLetter || before == "_") && !(after.isLetter || after == "_")
                result += rest[..<found.lowerBound] + (isWord ? one.is : one.word)
                rest = rest[found.upperBound...]
            }
            return result + rest
        }
    }

    /// To its end, with the exit code that is expected. Who is asked, at a terminal, answers with the name of the command.
    @discardableResult
    func type(_ line: String, ends expected: Int32 = 0) throws -> Outcome {
        let bare = Self.bare(line)
        typed.insert(bare)
        let asks = bare.firstMatch(of: /^tandem (advance|back|switch|finish|abort|resync)\b(?!.*--(dry-run|yes))/)
        var words = ["/bin/bash", "-c", real(bare)]
        var input = ""
        if let asks {
            words = ["/usr/bin/script", "-qefc", real(bare), "/dev/null"]
            input = (bare.contains("switch --back") ? "switch --back" : String(asks.1)) + "\n"
        } else if bare.contains(" --watch") {
            words = ["/usr/bin/timeout", "-s", "INT", "1.5"] + words
        }
        let outcome = try Command(
            words[0], Array(words.dropFirst()), environment: try environment, directory: scenario.directory
        ).run(input: input)
        let code = bare.contains(" --watch") && outcome.exitCode == 124 ? 0 : outcome.exitCode
        #expect(code == expected, "\(line) ended with \(code)\n\(outcome.stdout)\n\(outcome.stderr)")
        return outcome
    }

    /// One that stays, in the background.
    func start(_ line: String) throws -> Replicator {
        typed.insert(Self.bare(line))
        return try scenario.start(
            program: "/bin/bash", ["-c", "exec \(real(Self.bare(line)))"], environment: try environment)
    }

    /// Again and again, as somebody waits for it.
    func wait(until line: String, shows text: String? = nil) throws {
        typed.insert(Self.bare(line))
        let command = Command(
            "/bin/bash", ["-c", real(Self.bare(line))], environment: try environment, directory: scenario.directory)
        var last = ""
        let came = try poll(within: .seconds(90)) { () throws -> Bool? in
            let outcome = try command.run()
            last = "\(outcome.stdout)\n\(outcome.stderr)"
            return outcome.exitCode == 0 && text.map { outcome.stdout.contains($0) } != false ? true : nil
        }
        guard came != nil else {
            throw HarnessFailure(.timeLimit, "\(line): \(last)\n\(scenario.lastStarted?.tail ?? "")")
        }
    }
}
