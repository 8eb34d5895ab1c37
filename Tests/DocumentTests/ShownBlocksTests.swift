// Every fenced block of the documents, every line of a shell in them, and every program named in a sentence with its arguments has
// somebody who runs it, by this list; what is no tandem, no `make` and no SQL among them is run here or named with who runs it. A kind
// that the list does not know is a failure.

import Foundation
import TestSupport
import Testing

@Suite(.blocking) struct ShownBlocksTests {
    /// Who runs a block of a language; nil where it is not this one's to say.
    private func runner(_ block: Document.Piece) -> (file: String, words: String)? {
        switch block.language {
        case "sh", "console": ("Tests/DocumentTests/ShownTests.swift", "commandBlocks")
        case "sql": ("Tests/DocumentTests/ShownSQL.swift", "case \"sql\"")
        case "yaml" where block.text.hasPrefix("scrape_configs:"):
            ("Tests/DocumentTests/ShownBlocksTests.swift", "promtool")
        case "yaml": ("Tests/ConfigurationTests/ShownPiecesTests.swift", "```yaml")
        case "ini": ("Tests/SwitchTests/ShownPooler.swift", "```ini")
        case "json": ("Tests/DocumentTests/ShownBlocksTests.swift", "anEventIsOneThatIsDocumented")
        case "swift":
            ("Tests/TestSupportTests/ExampleTests.swift", block.text.components(separatedBy: "\n\n").last ?? "")
        case "python", "go", "java": ("Tests/Soak/languages.sh", "example \(block.language)")
        // With `$ ` before what is typed, or nothing that is: output, drawings.
        case "": ("Tests/DocumentTests/ShownTests.swift", "commandBlocks")
        default: nil
        }
    }

    @Test func everyBlockHasARunner() throws {
        var kinds: Set<String> = []
        for block in try Document.pages().flatMap(\.blocks) {
            kinds.insert(block.language)
            guard let (file, words) = runner(block) else {
                Issue.record("\(block.place): nobody runs a block of \(block.language)\n\(block.text)")
                continue
            }
            // Wherever it is indented.
            let (text, wanted) = (
                try Document(file).text.replacing(/\n +/, with: "\n"), words.replacing(/\n +/, with: "\n")
            )
            #expect(text.contains(wanted), "\(file) does not run \(block.place)")
        }
        #expect(kinds.count >= 11, "\(kinds)")
    }

    // MARK: - lines of a shell

    /// Whose blocks are typed as a whole, and the programs that whoever types them knows.
    private static let programs: [String: Set<String>] = [
        // Every block, in one shell.
        "docs/tutorial.md": [],
        // Every line of every section that it walks; it compares sections.
        "docs/operator-guide.md": ["tandem", "psql", "tail"],
        // Lines that begin with `docker`.
        "docs/docker.md": ["docker"],
    ]

    @Test func everyLineOfAShellHasARunner() throws {
        var count = 0
        for page in try Document.pages() {
            for block in page.blocks where ["sh", "console", ""].contains(block.language) {
                for line in block.text.split(separator: "\n") {
                    if block.language != "sh", !line.hasPrefix("$ ") { continue }
                    let words = line.split(separator: " ").drop { $0 == "$" }
                    guard let program = words.first, !program.hasPrefix("#") else { continue }
                    count += 1
                    // Elsewhere ShownTests asks for each line.
                    let known = Self.programs[page.path] ?? ["tandem", "make", "pg_dump"]
                    #expect(known.isEmpty || known.contains(String(program)), "\(block.place): nobody runs \(line)")
                }
            }
        }
        #expect(count > 80, "\(count)")
    }

    // MARK: - programs in a sentence

    /// A program with what it is given, and where it is run so.
    private static let spans: [(piece: String, file: String, words: String)] = [
        ("apt install ./tandem_….deb", "Tests/Soak/deb.sh", "install /tandem.deb"),
        ("apt-get install postgresql-client-…", "docker/Dockerfile", "--no-install-recommends postgresql-client"),
        ("docker …", "Tests/Soak/image.sh", "docker"), ("docker build", "Tests/Soak/image.sh", "'docker build '"),
        ("docker run … tandem verify", "Tests/Soak/image.sh", "docker run"),
        ("docker exec NAME tandem status", "Tests/Soak/image.sh", "docker exec NAME tandem status"),
        ("journalctl -u tandem@bookstore", "Tests/Soak/service.sh", "journalctl"),
        ("kill -9", "Tests/TestSupport/Replicator.swift", "SIGKILL"), ("man tandem-run", "Tests/Soak/deb.sh", "man"),
        ("pg_ctl stop -m fast", "Tests/Soak/fast-stop.sh", "-m fast"),
        ("pg_ctl stop -m immediate", "Tests/TestSupport/Cluster+Lifecycle.swift", "immediate"),
        (
            "pg_dump --data-only --inserts", "Tests/DocumentTests/ShownBlocksTests.swift",
            "func sortedDumpsOfTheSameRowsAreTheSame"
        ),
        ("pg_dump --schema-only --table=… OLD | psql NEW", "Tests/NameTests/RemedyTests.swift", "\"pg_dump\""),
        ("pg_dump -Fd -j | pg_restore -j", "Benchmarks/copy.sh", "pg_restore"),
        ("pg_dump | pg_restore", "Benchmarks/copy.sh", "pg_restore"),
        ("pgcopydb follow", "Benchmarks/race.bash", "pgcopydb"),
        ("promtool check config", "Tests/DocumentTests/ShownBlocksTests.swift", "\"check\", \"config\""),
        ("promtool test rules", "Tests/MetricsTests/PackagedTests.swift", "\"test\", \"rules\""),
        ("scripts/test-matrix.sh 15:18", ".ci/run", "scripts/test-matrix.sh"),
        ("sudo -u tandem tandem status", "Tests/Soak/service.sh", "sudo"),
        ("sudo -u tandem tandem status --config /etc/tandem/bookstore/tandem.yaml", "Tests/Soak/service.sh", "sudo"),
        ("swift test", "Makefile", "swift test"),
        ("systemctl enable --now tandem@bookstore", "Tests/Soak/service.sh", "systemctl"),
        ("systemctl restart", "Tests/Soak/service.sh", "systemctl"),
        ("systemctl status", "Tests/Soak/service.sh", "systemctl"),
        ("systemctl stop", "Tests/Soak/service.sh", "systemctl"),
        ("ulimit -n 32", "Tests/StreamTests/ScarcityTests.swift", "ulimit -n"),
        ("umask 777", "Tests/StreamTests/ScarcityTests.swift", "umask"),
    ]

    private nonisolated(unsafe) static let program =
        /^(scripts[^ ]+|apt|apt-get|bash|cat|chmod|chown|cp|createdb|curl|docker|dropdb|dpkg|git|grep|initdb|java|javac|journalctl|kill|man|mkdir|mv|pg[a-z_]+|pip|promtool|psql|python3?|rm|sed|sh|sudo|swift|systemctl|tail|tar|tmux|ulimit|umask|vacuumdb)\s/

    @Test func everyProgramInASentenceHasARunner() throws {
        var seen: Set<String> = []
        let remedies = try Document("docs/checks.md").text.matches(of: /(?m)^Mend: (.*)$/).flatMap { line in
            line.1.split(separator: ";").map { Document.Piece(place: "docs/checks.md", language: "", text: String($0)) }
        }
        for span in try Document.pages().flatMap(\.spans) + remedies
        where span.text.firstMatch(of: Self.program) != nil {
            guard let one = Self.spans.first(where: { $0.piece == span.text }) else {
                Issue.record("\(span.place): nobody runs \(span.text)")
                continue
            }
            seen.insert(one.piece)
            #expect(try Document(one.file).text.contains(one.words), "\(one.file) does not run \(span.text)")
        }
        for (piece, _, _) in Self.spans { #expect(seen.contains(piece), "no document shows \(piece)") }
    }

    @Test func sortedDumpsOfTheSameRowsAreTheSame() throws {
        let s = try Scenario("dumped", marker: false)
        defer { s.end() }
        try s.both("CREATE TABLE public.t (id int PRIMARY KEY, v text)")
        try s.old.sql("INSERT INTO public.t VALUES (1, 'a'), (2, 'b')")
        try s.new.sql("INSERT INTO public.t VALUES (2, 'b'), (1, 'a')")
        let span = try #require(
            try Document("docs/guide.md").spans.first { $0.text.hasPrefix("pg_dump ") && !$0.text.contains("OLD") })
        let dumps = try [s.old, s.new].map { side in
            let tool =
                "\(try PostgresInstallation.newest.bindir)/\(span.text) '\(side.connection)' | grep -vE '^.(un)?restrict ' | LC_ALL=C sort"
            return try Command("/bin/bash", ["-o", "pipefail", "-c", tool]).succeed()
        }
        #expect(dumps[0].contains("INSERT INTO public.t VALUES (2, 'b');") && dumps[0] == dumps[1])
    }

    // MARK: - Prometheus

    private static let promtool = "/usr/bin/promtool"

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: promtool), "no promtool: make deps"))
    func prometheusTakesItsConfiguration() throws {
        let shown = try Document.pages().flatMap(\.blocks).filter {
            $0.language == "yaml" && $0.text.hasPrefix("scrape_configs:")
        }
        #expect(!shown.isEmpty)
        let folder = try RunDirectory.current.makeDirectory("prometheus")
        for block in shown {
            // Where an installation puts the rules; promtool reads them as well.
            let installed = "/usr/share/tandem/prometheus"
            #expect(block.text.contains("\(installed)/tandem.rules.yml"), "\(block.place)")
            let file = "\(folder)/prometheus.yml"
            try block.text.replacing(installed, with: "\(Document.root)/packaging/prometheus")
                .write(toFile: file, atomically: true, encoding: .utf8)
            let said = try Command(Self.promtool, ["check", "config", file]).run()
            #expect(said.exitCode == 0, "\(block.place): \(said.stdout)\(said.stderr)")
            #expect(said.stdout.contains("rules found"), "\(said.stdout)")
        }
    }

    // MARK: - an event

    @Test func anEventIsOneThatIsDocumented() throws {
        let events = try Document("docs/events.md").text
        for block in try Document.pages().flatMap(\.blocks) where block.language == "json" {
            let object = try JSONSerialization.jsonObject(with: Data(block.text.utf8)) as? [String: Any]
            let name = try #require(object?["event"] as? String, "\(block.place)")
            #expect(events.contains("| `\(name)` |"), "\(block.place): \(name)")
            let told = try String(
                contentsOfFile: "\(Document.root)/Sources/Announcements/Announcement.swift", encoding: .utf8)
            for key in object?.keys.sorted() ?? [] { #expect(told.contains("\"\(key)\""), "\(block.place): \(key)") }
        }
    }
}
