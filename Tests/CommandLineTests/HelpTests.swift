// The texts of help, to the letter: they are what people see first.

import CommandLine
import Testing

@Suite struct HelpTests {
    @Test func theProgram() throws {
        let expected = """
            tandem 1.2.3: keeps two databases in tandem

            Usage: tandem COMMAND [OPTION…] [ARGUMENT…]

            Commands:
              run      replicates in the foreground
              lag      shows how far each stream is behind
              adopt    accepts a side
              recopy   copies tables again
              explain  explains a gate
              b now    brings Data B up to date
              b pause  rests
              status   shows everything on one screen
              help     explains a command, or lists them all

            Options of every command:
              -c, --config FILE  reads FILE instead of tandem.yaml
                  --json         writes JSON
              -h, --help         explains a command, and does nothing else
                  --version      prints the version, and does nothing else

            Exit codes:
              0  done
              1  failed
              2  usage or configuration
              3  a gate or check refused
              4  the sides differ
              5  replication is blocked and waits for an operator
              6  unsafe to continue

            `tandem help COMMAND` explains a command.
            """
        #expect(try help() == expected)
        for arguments in [["--help"], ["-h"], ["help"], ["--json", "--help"], ["--bogus", "-h"], ["help", "--help"]] {
            guard case .help(let text) = try table.parse(arguments) else { throw UsageError("no help") }
            #expect(text == (arguments == ["help", "--help"] ? table.help(for: "help") : expected))
        }
    }

    @Test func aCommand() throws {
        let expected = """
            tandem run: replicates in the foreground

            Usage: tandem run [--until WHEN]
                          [--verbose]… [--quiet]

            Copies what is not copied yet, then
            streams changes until it is told to
            stop. It resumes where it was after any
            crash.

            Signals:

              TERM   stops after the transaction at hand
              INT    likewise

            Options:
                  --until WHEN  ends there:
                                `caught-up` or a
                                position
              -v, --verbose     says more (can be
                                given again)
              -q, --quiet       says less

            """
        let text = table.help(for: "run", width: 40)
        #expect(text.hasPrefix(expected), "\(text)")
        #expect(
            text.contains(
                """

                Examples:
                  tandem run --until caught-up
                      copies everything, catches up and
                      ends

                Exit codes:
                  0  done
                """))
    }

    @Test func everyWayToAskForACommand() throws {
        let expected = table.help(for: "run", width: 80)
        #expect(try help("help", "run") == expected)
        #expect(try help("run", "--help") == expected)
        #expect(try help("run", "-h") == expected)
        #expect(try help("--help", "run") == expected)
        #expect(try help("run", "--bogus", "surplus", "--help") == expected)
        #expect(try help("-c", "x", "run", "--help") == expected)
        #expect(try help("help", "b", "now") == table.help(for: "b now"))
        #expect(try help("b", "now", "x", "--help") == table.help(for: "b now"))
        #expect(try help("inspect", "--help").hasPrefix("tandem inspect: for developers"))
    }

    @Test func aGroupOfCommands() throws {
        let expected = """
            Usage: tandem b COMMAND

            Commands:
              b now    brings Data B up to date
              b pause  rests
            """
        #expect(try help("b", "--help") == expected)
        #expect(try help("help", "b") == expected)
    }

    @Test func requiredOptionsAndChoices() {
        let text = table.help(for: "adopt")
        #expect(text.contains("Usage: tandem adopt --side SIDE [PAIR]\n"))
        #expect(text.contains("      --side SIDE  which one (old or new)\n"))
    }

    @Test(arguments: [40, 60, 80, 120])
    func nothingIsWiderThanAsked(_ width: Int) {
        for name in [nil, "run", "lag", "adopt", "recopy", "b now", "status", "help"] {
            let lines: [Substring] = table.help(for: name, width: width).split(separator: "\n")
            #expect(lines.allSatisfy { $0.count <= width || $0.hasPrefix("  TERM") })
        }
    }

    @Test(arguments: [0, -1, 10])
    func noWidthIsTooSmall(_ width: Int) {
        #expect(table.help(for: "run", width: width) == table.help(for: "run", width: 40))
    }

    @Test func longNamesPushTheirMeaningDown() {
        let long = CommandTable(
            program: "p", version: "1", summary: "s",
            common: [Option("a-very-long-option-name", value: "PLACEHOLDER", summary: "does it")], commands: [])
        #expect(
            long.help(for: nil).contains(
                "      --a-very-long-option-name PLACEHOLDER\n                            does it\n"))
    }
}
