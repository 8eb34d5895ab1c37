// Every command that the documents show is run: what README and the reference show in a block or in a sentence, here, in the order
// in which it makes sense; the rest by whoever is named below. A line that nobody runs is a failure.

import Foundation
import TestSupport
import Testing

@Suite(.blocking) struct ShownTests {
    /// Documents whose blocks somebody else types whole, and who that is.
    private static let blocksElsewhere = [
        "docs/tutorial.md": "Tests/DocumentTests/TutorialTests.swift", "docs/operator-guide.md": "Tests/Soak/guide.sh",
        "docs/docker.md": "Tests/Soak/image.sh",
    ]
    /// Lines that need servers of their own, and the words by which a test runs them.
    private static let elsewhere = [
        "tandem abort --without new": ("Tests/PassageTests", #""abort", "--yes", "--without", "new""#),
        "tandem adopt --side old": ("Tests/PassageTests", #""adopt", "--side", "old", "--yes""#),
        "tandem demo": ("Tests/Soak/demo.sh", #"demo"#), "tandem demo --pause": ("Tests/Soak/demo.sh", "demo --pause"),
    ]

    private static let makeLines = "Tests/Soak/make-lines.sh"

    @Test(.timeLimit(.minutes(5))) func everyOneIsRun() throws {
        var typed = try quickStart()
        try typed.formUnion(loadedByHand())
        try typed.formUnion(bookstore())
        let targets = try makeTargets()
        var lines: [(place: String, text: String)] = []
        for document in try Document.all() where document.path != "CHANGELOG.md" {
            if Self.blocksElsewhere[document.path] == nil {
                for line in document.commandBlocks.flatMap({ $0.split(separator: "\n") }) {
                    lines.append((document.path, Typing.bare(String(line))))
                }
            }
            lines += document.inlineCommands.map { (document.path, $0) }
        }
        #expect(lines.count > 200, "\(lines.count)")
        let parser = CommandLinesTests()
        for (place, text) in lines where !text.isEmpty && !typed.contains(text) {
            if let target = text.firstMatch(of: /^make ?([a-z-]*)/) {
                #expect(target.1.isEmpty || targets.contains(String(target.1)), "\(place): \(text)")
                #expect(try isTyped(target.1), "\(Self.makeLines) does not run \(text)")
            } else if let (folder, words) = Self.elsewhere[text] {
                #expect(try contains(folder, words), "\(folder) does not run \(words)")
            } else if try !parser.isOnlyAName(text) {
                Issue.record("\(place): nobody runs \(text)")
            }
        }
        for (document, runner) in Self.blocksElsewhere {
            let name = document.split(separator: "/").last.map(String.init) ?? ""
            #expect(try contains(runner, name), "\(runner) does not know \(document)")
        }
    }

    /// `make TARGET` in the text, with the names of soaks and benchmarks.
    @Test func everyTargetIsThere() throws {
        let targets = try makeTargets()
        #expect(targets.contains("soak"))
        var seen = 0
        for document in try Document.all() {
            for match in document.text.matches(of: /`make ([a-z-]+)(?: NAME=([a-z-]+))?/) {
                seen += 1
                #expect(targets.contains(String(match.1)), "\(document.path): make \(match.1)")
                #expect(try isTyped(match.1), "\(document.path): \(Self.makeLines) does not run make \(match.1)")
                guard let name = match.2, let folder = ["soak": "Tests/Soak", "bench": "Benchmarks"][String(match.1)]
                else { continue }
                let isThere = FileManager.default.fileExists(atPath: "\(Document.root)/\(folder)/\(name).sh")
                #expect(isThere, "\(document.path): make \(match.1) NAME=\(name)")
            }
        }
        #expect(seen > 40, "\(seen)")
    }

    /// By the soak that types every `make …` of the documents, and has a branch for each target.
    private func isTyped(_ target: Substring) throws -> Bool {
        try contains(Self.makeLines, target.isEmpty ? "\n    make)" : "'make \(target)")
    }

    private func makeTargets() throws -> Set<String> {
        let text = try String(contentsOfFile: "\(Document.root)/Makefile", encoding: .utf8)
        return Set(text.matches(of: /(?m)^([a-z-]+):.*##/).map { String($0.1) })
    }

    private func contains(_ place: String, _ words: String) throws -> Bool {
        let path = "\(Document.root)/\(place)"
        if !place.hasSuffix("Tests") { return try String(contentsOfFile: path, encoding: .utf8).contains(words) }
        return try FileManager.default.contentsOfDirectory(atPath: path).contains {
            try String(contentsOfFile: "\(path)/\($0)", encoding: .utf8).contains(words)
        }
    }

    /// README from top to bottom, with what other pages say of the same moment.
    private func quickStart() throws -> Set<String> {
        let s = try Scenario("quick", marker: false)
        defer { s.end() }
        try s.old.sql(
            """
            CREATE TABLE public.a (id int PRIMARY KEY); CREATE TABLE public.books (id int PRIMARY KEY, title text);
            CREATE TABLE public.orders (id int PRIMARY KEY, book int); CREATE TABLE public.sessions (id int PRIMARY KEY);
            CREATE SCHEMA stats; CREATE TABLE stats.daily_sales (day date PRIMARY KEY, sold int, updated_at timestamptz DEFAULT now());
            INSERT INTO public.a VALUES (1); INSERT INTO public.books SELECT g, 'Book ' || g FROM generate_series(1, 300) g;
            INSERT INTO public.orders SELECT g, 1 + g % 300 FROM generate_series(1, 2000) g;
            INSERT INTO stats.daily_sales SELECT date '2026-01-01' + g, g FROM generate_series(1, 30) g
            """)
        let readme = try Document("README.md")
        let reader = try Typing(s)
        reader.meaning += [
            ("postgresql://postgres@old.example/shop", "'\(s.old.connection)'"),
            ("postgresql://postgres@new.example/shop", "'\(s.new.connection)'"),
            ("schema.table", "public.orders"), ("TABLE", "public.books"), ("GATE", "data-b"), ("COMMAND", "verify"),
            ("FILE", "entries.jsonl"),
        ]
        for line in ["tandem --version", "tandem help", "tandem help COMMAND", "tandem failpoints"] {
            try reader.type(line)
        }
        try FileManager.default.removeItem(atPath: s.configurationPath)
        try reader.type(#require(readme.line("tandem init")))
        #expect(try reader.type("tandem config show").stdout.contains("public.books"))
        // The example of a configuration, with names and addresses of this test.
        let shown = try String(#require(readme.text.firstMatch(of: /```yaml\n((?:.*\n)*?)```/)?.1))
        let yaml = shown.replacing("migration: bookstore", with: "migration: t").replacing(
            "name: shop", with: "name: \(s.name)")
        try (reader.real(yaml) + "gates: { quiet: 1s }\n").write(
            toFile: s.configurationPath, atomically: true, encoding: .utf8)
        for line in [
            "tandem init", "tandem preflight", "tandem preflight --grants", "tandem preflight --grants old",
            "tandem preflight --grants old | psql OLD",
        ] { try reader.type(line) }

        let run = try reader.start("tandem run")
        try reader.wait(until: "tandem lag --max 5s")
        try reader.wait(until: "tandem status", shows: "complete")
        for line in [
            "tandem lag", "tandem lag --watch", "tandem status --json", "tandem step", "tandem step --explain GATE",
            "tandem fleet", "tandem fleet --json", "tandem verify", "tandem verify --repair",
            "tandem verify --table TABLE --show-values", "tandem pause", "tandem resume", "tandem pause --streams",
            "tandem resume", "tandem b now", "tandem evidence show --last 20",
        ] { try reader.type(line) }
        try reader.type("tandem evidence export").stdout.write(
            toFile: "\(s.directory)/entries.jsonl", atomically: true, encoding: .utf8)
        try reader.type("tandem evidence import FILE")
        try trouble(reader, readme)

        // Strategy `pause`, in a configuration that a running tandem has read without.
        let reads =
            "[{name: order page, query: SELECT * FROM public.orders WHERE book = $1, parameters: [7], slower: 1000}]"
        try (String(contentsOfFile: s.configurationPath, encoding: .utf8) + "strategy: pause\ncanary: \(reads)\n")
            .write(toFile: s.configurationPath, atomically: true, encoding: .utf8)
        for line in [
            "tandem verify", "tandem b final", "tandem advance", "tandem back", "tandem b resume",
            "tandem canary --dry-run",
            "tandem canary --only 'order page' --json", "tandem step --explain canary",
        ] { try reader.type(line) }
        // There and back. Nothing looks at one gate of a switch yet: what is shown waives it.
        let switches = readme.lines(after: "tandem b final", "tandem advance")
        #expect(switches.count >= 6)
        for (number, line) in switches.enumerated() {
            try reader.type(line)
            if number == 1 {
                try s.waitForRoles(forward: "apply", reverse: "watch")
                try reader.type("tandem switch", ends: 3)
            }
        }
        #expect(try s.old.value("SELECT step || ' ' || truth FROM tandem.epoch") == "2 old")
        try reader.type("tandem finish", ends: 3)
        #expect(try run.stop() == .exited(0), "\(run.tail)")
        try reader.type("tandem abort")
        #expect(try s.old.value("SELECT to_regnamespace('tandem') IS NULL") == "t")
        return reader.typed
    }

    /// What README shows of a blocked stream, and the ways out.
    private func trouble(_ reader: Typing, _ readme: Document) throws {
        let s = reader.scenario
        try s.old.sql("ALTER TABLE public.a ADD COLUMN price numeric; UPDATE public.a SET price = 1")
        try reader.wait(until: "tandem status", shows: "remedy")
        let told = try reader.type("tandem status").stdout
        for label in ["problem", "remedy"] {
            let shown = try #require(
                readme.text.firstMatch(of: try Regex("(?m)^  \(label) +(.+)$"))?.output[1].substring)
            #expect(told.contains(shown.split(separator: ", transaction")[0]), "\(told)")
        }
        try s.new.sql(#"ALTER TABLE "public"."a" ADD COLUMN "price" numeric"#)
        try s.new.wait(for: "SELECT price FROM public.a", toBe: "1")
        for line in ["tandem set-aside public.a", "tandem set-aside schema.table", "tandem set-aside TABLE"] {
            try reader.type(line)
        }
        // What this pair has made itself is nobody's leftover.
        #expect(try !reader.type("tandem preflight").stdout.contains(s.slotName))
        for table in ["public.a", "public.orders", "public.books"] {
            reader.mean("TABLE", table)
            try reader.type("tandem recopy TABLE")
        }
        try s.new.wait(
            for:
                "SELECT (SELECT count(*) FROM tandem.set_aside) + count(*) FROM tandem.copied_table WHERE until_lsn IS NULL",
            toBe: "0")
        reader.mean("TABLE", "stats.daily_sales")
        try reader.type("tandem b now TABLE")
    }

    /// New is loaded from a dump; later the slot is lost.
    private func loadedByHand() throws -> Set<String> {
        let s = try Scenario("by_hand", marker: false)
        defer { s.end() }
        try s.both("CREATE TABLE public.item (id int PRIMARY KEY, n int)")
        try s.old.sql("INSERT INTO public.item SELECT g, g FROM generate_series(1, 1000) g")
        let reader = try Typing(s)
        let dump = try #require(try Document("docs/commands.md").line("pg_dump"))
        try s.interrupted(reader.start("tandem prepare")) { prepared in
            reader.meaning.append(("ID", prepared.snapshot))
            try s.old.sql("UPDATE public.item SET n = -n WHERE id <= 10")
            try reader.type(dump)
        }
        let first = try reader.start("tandem run --accept-schema")
        try reader.wait(until: "tandem lag --max 5s")
        try s.new.wait(for: "SELECT sum(n) FROM public.item", toBe: "\(1000 * 1001 / 2 - 2 * 55)")
        #expect(try first.stop() == .exited(0))
        try s.old.sql("SELECT pg_drop_replication_slot('\(s.slotName)'); DELETE FROM public.item WHERE id > 900")
        try reader.type("tandem resync")
        #expect(try s.new.value("SELECT count(*) FROM public.item") == "900")
        try reader.type("tandem abort")
        return reader.typed
    }

    /// A shop of one side, then one of both.
    private func bookstore() throws -> Set<String> {
        let s = try Scenario("shown_shop", marker: false)
        defer { s.end() }
        let reader = try Typing(s)
        let page = try Document("docs/bookstore.md")
        try reader.type(#require(page.line("tandem bookstore load")))
        let instance = try reader.start(#require(page.line("tandem bookstore instance")))
        try instance.waitForLog("p50")
        #expect(try instance.stop() == .exited(0))
        try reader.type(#require(page.line("tandem bookstore check")))
        let batch = try reader.start("tandem bookstore batch --on CONN")
        try s.old.wait(for: "SELECT count(*) > 0 FROM bookstore_stats.daily_sales", toBe: "t")
        #expect(try batch.stop() == .exited(0))

        try reader.type("tandem bookstore load --old OLD --new NEW --replace --dir both")
        let both = try reader.start("tandem bookstore instance web-1 --old OLD --new NEW --mode 3 --dir both")
        try both.waitForLog("p50")
        // Where the ledger is, is for the reader to say.
        reader.meaning.append(("web-1 --mode", "web-1 --dir both --mode"))
        try reader.type("tandem bookstore set web-1 --mode 4")
        #expect(try both.stop() == .exited(0))
        reader.meaning.append(("check --old", "check --dir both --old"))
        try reader.type("tandem bookstore check --old OLD --new NEW")
        let moving = try reader.start("tandem bookstore instance web-2 --strategy pause --old OLD --new NEW --dir both")
        try moving.waitForLog("p50")
        reader.meaning.append(("web-1 --address", "web-2 --dir both --address"))
        try reader.type("tandem bookstore set web-1 --address new")
        #expect(try moving.stop() == .exited(0))
        reader.meaning.append(("bookstore drop", "bookstore drop --old OLD"))
        reader.meaning.append(("OLD", "'\(s.old.connection)'"))
        try reader.type("tandem bookstore drop")
        return reader.typed
    }
}
