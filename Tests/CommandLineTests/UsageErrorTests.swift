// Command lines that are not understood, and what is said about them.

import CommandLine
import Model
import Testing

@Suite struct UsageErrorTests {
    @Test func errorsExplainThemselves() throws {
        let error = try #require(throws: UsageError.self) { try table.parse(["stats"]) }
        #expect(error.description == "unknown command `stats`")
        #expect(error.hint == "did you mean `status`? `tandem --help` lists the commands")
        #expect(error.exitCode == .usage)
    }

    @Test(arguments: [
        ("frobnicate", "unknown command `frobnicate` → `tandem --help` lists the commands"),
        ("''", "unknown command `` → `tandem --help` lists the commands"),
        ("insp", "unknown command `insp` → `tandem --help` lists the commands"),
        ("b nwo", "unknown command `b nwo` → did you mean `b now`? `tandem --help` lists the commands"),
        ("b", "`b` is not a whole command → the commands are `b now`, `b pause`"),
        ("--json", "a command is missing → `tandem --help` lists the commands"),
        ("--", "a command is missing → `tandem --help` lists the commands"),
        ("help rnu", "unknown command `rnu` → did you mean `run`? `tandem --help` lists the commands"),
        ("help run now", "unknown command `run now` → `tandem --help` lists the commands"),
    ])
    func commands(_ line: String, _ expected: String) {
        #expect(complaint(line) == expected)
    }

    @Test(arguments: [
        (
            "lag --wach",
            "unknown option `--wach` of `lag` → did you mean `--watch`? `tandem lag --help` lists the options"
        ),
        ("lag --jsn", "unknown option `--jsn` of `lag` → did you mean `--json`? `tandem lag --help` lists the options"),
        ("lag --zzzzz=5", "unknown option `--zzzzz` of `lag` → `tandem lag --help` lists the options"),
        ("lag -x", "unknown option `-x` of `lag` → `tandem lag --help` lists the options"),
        ("lag -5", "unknown option `-5` of `lag` → `tandem lag --help` lists the options"),
        ("run -vx", "unknown option `-x` of `run` → `tandem run --help` lists the options"),
        ("--jso lag", "unknown option `--jso` → did you mean `--json`? `tandem --help` lists the options"),
        ("--max 5s lag", "unknown option `--max` → options of a command stand after it: `tandem lag --max`"),
        ("-v run", "unknown option `-v` → options of a command stand after it: `tandem run -v`"),
        ("lag --watch --watch", "`--watch` is given twice → it can be given once"),
        ("lag --max 1s -m 2s", "`-m` is given twice → it can be given once"),
        ("-c a lag --config=b", "`--config` is given twice → it can be given once"),
        ("lag --max", "`--max` needs a value: `--max DURATION`"),
        ("lag -m", "`-m` needs a value: `--max DURATION`"),
        (
            "lag --max --watch",
            "`--max` needs a value: `--max DURATION` → a value that begins with `-` is written "
                + "`--max=-…`"
        ),
        ("lag --watch=yes", "`--watch` takes no value → write only `--watch`"),
        ("lag --watch=", "`--watch` takes no value → write only `--watch`"),
        ("lag --max 5", "DURATION of `--max` must be a duration like 250ms, 5s, 2m or 1h, not `5`"),
        ("lag --max=", "DURATION of `--max` must be a duration like 250ms, 5s, 2m or 1h, not ``"),
        ("lag --since now", "LSN of `--since` must be a position like 16/B374D848, not `now`"),
        ("lag --room 1mb", "SIZE of `--room` must be a size like 512kB, 256MB or 1GB, not `1mb`"),
        ("lag --count=-1", "N of `--count` must be a whole number, not `-1`"),
        ("adopt --side nwe", "SIDE of `--side` must be old or new, not `nwe` → did you mean `new`?"),
        ("adopt", "`--side SIDE` is missing → `tandem adopt --help` explains it"),
    ])
    func options(_ line: String, _ expected: String) {
        #expect(complaint(line) == expected)
    }

    @Test(arguments: [
        ("status now", "`status` takes no arguments; `now` is too much → `tandem status --help` explains it"),
        (
            "adopt --side old a b",
            "`adopt` takes one argument only; `b` is too much → `tandem adopt --help` explains it"
        ),
        ("explain a b", "`explain` takes one argument only; `b` is too much → `tandem explain --help` explains it"),
        ("explain", "`explain` needs GATE → `tandem explain --help` explains it"),
        ("recopy", "`recopy` needs TABLE… → `tandem recopy --help` explains it"),
        ("recopy --", "`recopy` needs TABLE… → `tandem recopy --help` explains it"),
    ])
    func arguments(_ line: String, _ expected: String) {
        #expect(complaint(line) == expected)
    }

    @Test(arguments: [
        "postgresql://u:s3cret@h/d", "status postgresql://u:s3cret@h/d", "status password=s3cret",
        "lag --max password=s3cret", "lag --old=password=s3cret", "lag --postgresql://u:s3cret@h/d",
        "--old=s3cret lag", "lag --watch=s3cret", "help password=s3cret",
    ])
    func errorsKeepSecrets(_ line: String) {
        let said = complaint(line)
        #expect(said != "accepted")
        #expect(!said.contains("s3cret"), "\(said)")
    }

    @Test func controlCharactersAreShownSafely() {
        #expect(complaint("a\u{1b}[31m").hasPrefix("unknown command `a\\e[31m`"))
    }
}
