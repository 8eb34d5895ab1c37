// The small pure pieces: durations, sizes, the nearest word, and what makes a table a mistake.

import Testing

@testable import CommandLine
@testable import Model

@Suite struct WordTests {
    @Test(
        arguments: [
            ("5s", 5), ("250ms", 0.25), ("2m", 120), ("1h", 3600), ("7d", 604_800), ("0s", 0), ("1.5s", 1.5),
            ("0.5ms", 0.0005), ("36600d", 3_162_240_000), ("36601d", nil), ("5", nil), ("s", nil), ("", nil),
            ("-1s", nil),
            ("+1s", nil), ("1e3s", nil), ("infs", nil), ("nans", nil), ("5 s", nil), ("5S", nil), (".5s", nil),
            ("5.s", nil),
            ("1.2.3s", nil), ("0x1s", nil), ("٣s", nil), (String(repeating: "9", count: 400) + "s", nil),
        ] as [(String, Double?)])
    func durations(_ text: String, _ expected: Double?) {
        #expect(duration(text) == expected)
    }

    @Test(arguments: [("1", 1), ("512kB", 524_288), ("1TB", 1 << 40), ("1kb", nil), ("-1", nil), ("8388608TB", nil)])
    func sizes(_ text: String, _ expected: Int?) {
        #expect(byteSize(text) == expected)
    }

    @Test(arguments: [
        ("stats", "status"), ("ver", "verify"), ("verfiy", "verify"), ("b", nil), ("", nil), ("xyz", nil),
    ])
    func nearestWords(_ word: String, _ expected: String?) {
        #expect(nearest(to: word, among: ["status", "verify", "lag", "run"]) == expected)
    }

    @Test func wrapping() {
        #expect(Wrapping.lines("", width: 10) == [])
        #expect(Wrapping.lines("aa bb  cc\ndd", width: 5) == ["aa bb", "cc dd"])
        #expect(Wrapping.lines("a longerthanaline b", width: 5) == ["a", "longerthanaline", "b"])
    }

    @Test func mistakesInATable() async {
        await #expect(processExitsWith: .failure) {
            _ = CommandTable(
                program: "p", version: "1", summary: "s", common: [],
                commands: [Command(name: "a", summary: "x"), Command(name: "a", summary: "y")])
        }
        await #expect(processExitsWith: .failure) {
            _ = CommandTable(
                program: "p", version: "1", summary: "s", common: [Option("x", short: "h", summary: "clashes")],
                commands: [Command(name: "a", summary: "x")])
        }
    }
}
