// What a shell completes, asked of a shell.

import CommandLine
import Foundation
import TestSupport
import Testing

@Suite struct CompletionTests {
    /// The words that bash offers after these.
    private func offered(_ words: String...) throws -> [String] {
        let table = CommandTable(
            program: "keep", version: "1", summary: "s",
            common: [Option("config", short: "c", value: "FILE", summary: "reads it")],
            commands: [
                Command(
                    name: "run", summary: "it's running: [now]",
                    options: [
                        Option("until", value: "WHEN", summary: "ends", check: .choice(["soon", "later"])),
                        Option("json", summary: "for machines", repeats: true),
                    ]),
                Command(name: "b now", summary: "at once", options: [Option("all", summary: "everything")]),
                Command(name: "b pause", summary: "rests"), Command(name: "inspect", summary: "hidden", isHidden: true),
            ])
        let list = words.map { "'\($0)'" }.joined(separator: " ")
        let script = """
            set -u
            \(table.bashCompletion())
            COMP_WORDS=(keep \(list)) COMP_CWORD=\(words.count)
            _keep
            [ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\\n' "${COMPREPLY[@]}"
            """
        let outcome = try Command("/bin/bash", ["-c", script]).run()
        #expect(outcome.exitCode == 0, "\(outcome.stderr)")
        let text = outcome.stdout
        return text.split(separator: "\n").map(String.init)
    }

    @Test func bashOffersWhatTheTableHas() throws {
        #expect(try offered("") == ["run", "b", "help", "--help", "--version"])
        #expect(try offered("r") == ["run"])
        #expect(try offered("b", "") == ["now", "pause"])
        #expect(try offered("b", "now", "--a") == ["--all"])
        #expect(try offered("run", "--") == ["--until", "--json", "--config", "--help", "--version"])
        #expect(try offered("run", "--until", "") == ["soon", "later"])
        #expect(try offered("run", "--until", "l") == ["later"])
        #expect(try offered("help", "r") == ["run"])
        #expect(try offered("nothing", "") == [])
        #expect(
            try offered("run", "--config", "/etc/host").sorted()
                == FileManager.default.contentsOfDirectory(atPath: "/etc")
                .filter { $0.hasPrefix("host") }.map { "/etc/\($0)" }.sorted())
    }

    /// No shell of that kind need be here: only what would break it is looked for.
    @Test func zshReadsWhatIsInSummaries() {
        let text = table.zshCompletion()
        #expect(text.hasPrefix("#compdef tandem\n"))
        #expect(text.contains("'run:") && text.contains("'--until["))
        #expect(!text.contains("inspect"))
    }

    @Test func everyCommandHasAPage() {
        let pages = table.manualPages
        #expect(pages["tandem.1"] == table.manualPage())
        #expect(pages["tandem-run.1"]?.contains(".SH \"EXIT STATUS\"") == true)
        #expect(pages.keys.allSatisfy { $0.hasSuffix(".1") && !$0.contains(" ") && !$0.contains("inspect") })
    }
}
