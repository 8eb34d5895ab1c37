// Command lines that are understood.

import CommandLine
import Testing

@Suite struct ParsingTests {
    @Test func aCommandAlone() throws {
        let status = try parsed("status")
        #expect(status.command == "status")
        #expect(status.arguments.isEmpty)
        #expect(!status.has("json"))
        #expect(status.value("config") == nil)
        #expect(status.values("config") == [])
    }

    @Test(arguments: [
        ["--config", "x.yaml", "status"], ["--config=x.yaml", "status"], ["status", "--config", "x.yaml"],
        ["-c", "x.yaml", "status"], ["-cx.yaml", "status"], ["status", "-c", "x.yaml"],
    ])
    func commonOptionsStandAnywhere(_ arguments: [String]) throws {
        let expected = Parsed(command: "status", given: ["config": ["x.yaml"]])
        #expect(try table.parse(arguments) == .run(expected))
    }

    @Test func flagsAndValues() throws {
        let lag = try parsed("lag", "--watch", "--max", "5s", "--since=16/B374D848", "--room", "1GB", "--count=10")
        #expect(lag.has("watch"))
        #expect(!lag.has("json"))
        #expect(lag.value("max") == "5s")
        #expect(lag.value("since") == "16/B374D848")
        #expect(lag.value("room") == "1GB")
        #expect(lag.value("count") == "10")
    }

    @Test func repeatedOptionsKeepTheirOrder() throws {
        let recopy = try parsed("recopy", "--pair", "a", "public.x", "--pair=b", "public.y")
        #expect(recopy.values("pair") == ["a", "b"])
        #expect(recopy.value("pair") == "b")
        #expect(recopy.arguments == ["public.x", "public.y"])
    }

    @Test func shortFlagsStandTogether() throws {
        let run = try parsed("run", "-vqv")
        #expect(run.values("verbose").count == 2)
        #expect(run.has("quiet"))
        #expect(try parsed("lag", "-m5s").value("max") == "5s")
        #expect(try parsed("run", "-qc", "f").value("config") == "f")
    }

    @Test(arguments: [
        (["--until=--json"], "--json"), (["--until="], ""), (["--until", ""], ""), (["--until=a=b"], "a=b"),
        (["--until", "-"], "-"),
    ])
    func unusualValues(_ arguments: [String], _ expected: String) throws {
        guard case .run(let run) = try table.parse(["run"] + arguments) else { throw UsageError("no command") }
        #expect(run.value("until") == expected)
        #expect(!run.has("json"))
    }

    @Test func twoDashesEndTheOptions() throws {
        #expect(try parsed("recopy", "--", "--json", "-h").arguments == ["--json", "-h"])
        #expect(try parsed("recopy", "a", "--", "--", "b").arguments == ["a", "--", "b"])
        #expect(try parsed("--", "recopy", "--help").arguments == ["--help"])
        #expect(try parsed("recopy", "-").arguments == ["-"])
    }

    @Test func commandsOfTwoWords() throws {
        #expect(try parsed("b", "now").command == "b now")
        #expect(try parsed("b", "now", "now", "x").arguments == ["now", "x"])
        #expect(try parsed("b", "--json", "pause").command == "b pause")
    }

    @Test(arguments: [([], []), (["shop"], ["shop"])])
    func optionalArguments(_ given: [String], _ expected: [String]) throws {
        guard case .run(let adopt) = try table.parse(["adopt", "--side", "old"] + given) else {
            throw UsageError("no command")
        }
        #expect(adopt.arguments == expected)
    }

    @Test func hiddenCommandsWork() throws {
        #expect(try parsed("inspect", "x.spill").arguments == ["x.spill"])
    }

    @Test func version() throws {
        #expect(try table.parse(["--version"]) == .version("tandem 1.2.3"))
        #expect(try table.parse(["run", "--version", "--bogus"]) == .version("tandem 1.2.3"))
    }
}
