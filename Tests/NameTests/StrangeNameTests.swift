// Every strange name through everything tandem does: in a database and under a role that have such names too.

import Foundation
import TestSupport
import Testing

@Suite(.blocking) struct StrangeNameTests {
    /// A scenario whose databases and role have names of the same kind.
    struct World {
        let s: Scenario
        let old: Database
        let new: Database
        let role: String

        init(_ title: String, database: String) throws {
            s = try Scenario(title, marker: false)
            role = "\(s.name) ro'le \"\\ =@%\n"
            let name = "\(s.name) \(database)"
            (old, new) = (s.old.cluster[name], s.new.cluster[name])
            for side in [old, new] {
                try side.cluster.createDatabase(name)
                try side.cluster.sql("CREATE ROLE \(sqlIdentifier(role)) SUPERUSER LOGIN")
            }
        }

        func write(dataA: [String] = ["*.*"], initialCopy: String = "none", extra: String = "") throws {
            try s.writeConfiguration(
                dataA: dataA, marker: false, old: Self.uri(old, role), new: Self.uri(new, role),
                initialCopy: initialCopy, extra: extra)
        }

        /// Percent-encoded throughout, which is all that a URI asks for.
        private static func uri(_ side: Database, _ role: String) -> String {
            let parts = [role, side.cluster.socketDirectory, side.name].map {
                $0.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            }
            return "postgresql://\(parts[0])@\(parts[1]):\(side.cluster.port)/\(parts[2])"
        }

        func end() {
            _ = try? s.tandem("abort", "--yes")
            s.end()
            for side in [old, new] {
                _ = try? side.cluster.sql("DROP DATABASE \(sqlIdentifier(side.name)) WITH (FORCE)")
                _ = try? side.cluster.sql("DROP ROLE \(sqlIdentifier(role))")
            }
        }
    }

    static let schemas = "CREATE SCHEMA keyless; CREATE SCHEMA always;"

    @Test func everyChangeOfEveryTableArrives() throws {
        let w = try World("strange", database: "d'b \"\\ =&?#@%/🐘")
        defer { w.end() }
        for side in [w.old, w.new] { try side.sql(Self.schemas + StrangeNames.tables) }
        try w.write()
        try w.s.prepare()
        try w.old.sql(StrangeNames.workload)
        try Self.follow(w.s)
        #expect(try contents(w.old) == contents(w.new))
        #expect(try w.new.value("SELECT count(*) FROM tandem.difference") == "0")
        try w.old.sql(StrangeNames.truncations)
        try Self.follow(w.s)
        #expect(try contents(w.old) == contents(w.new))
        #expect(try w.new.value("SELECT count(*) FROM keyless.select") == "1")
        let lag = try w.s.tandem("lag", "--json")
        #expect(lag.status == .exited(0), "\(lag.stderr)")
        #expect(Self.isJSON(lag.stdout))
        let abort = try w.s.tandem("abort", "--yes")
        #expect(abort.status == .exited(0), "\(abort.stderr)")
        for side in [w.old, w.new] {
            #expect(try side.value("SELECT to_regnamespace('tandem') IS NULL") == "t")
        }
    }

    /// A row in the way of each table: seen, read again on old, shown in both forms of the status. Then all are set aside
    /// under the names that tandem shows.
    @Test func differencesAndTablesSetAsideAreShownAndCanBeNamed() throws {
        let w = try World("strangeshown", database: "d")
        defer { w.end() }
        for side in [w.old, w.new] { try side.sql(Self.schemas + StrangeNames.tables) }
        try w.write()
        try w.s.prepare()
        for name in StrangeNames.all {
            try w.new.sql("INSERT INTO \(StrangeNames.keyed(name)) VALUES (1, 'in the way')")
        }
        try w.old.sql(StrangeNames.all.map { "INSERT INTO \(StrangeNames.keyed($0)) VALUES (1, 'old');" }.joined())
        try Self.follow(w.s)
        #expect(try contents(w.old) == contents(w.new))
        let count = StrangeNames.all.count
        #expect(try w.new.value("SELECT count(*) FROM tandem.difference") == "\(count)")
        let names = StrangeNames.asShown
        let aside = try Command(
            TandemBinary.path, ["set-aside"] + names, directory: w.s.directory
        ).run()
        #expect(aside.status == .exited(0), "\(aside.stderr)")
        #expect(try w.new.value("SELECT count(*) FROM tandem.set_aside") == "\(count)")
        let text = try w.s.tandem("status")
        #expect(text.status == .exited(0), "\(text.stderr)")
        Self.expectTame(text.stdout, lines: 10 + count + count)
        for name in names {
            #expect(text.stdout.components(separatedBy: " \(name)").count >= 3, "\(name)\n\(text.stdout)")
        }
        let json = try w.s.tandem("status", "--json")
        #expect(json.stdout.split(separator: "\n").count == 1)
        #expect(Self.isJSON(json.stdout))
        #expect(json.stdout.components(separatedBy: "\"changes\":0,\"table\":").count == count + 1)
    }

    /// Patterns that name each table literally choose exactly these, and `exclude` takes exactly its own out.
    @Test func patternsNameThemLiterally() throws {
        let w = try World("strangepatterns", database: "p")
        defer { w.end() }
        try w.old.sql(Self.schemas + StrangeNames.tables)
        // In a pattern `$${` is a literal `${`, as everywhere in the configuration.
        let chosen = StrangeNames.all.map { "keyless.\(shown($0.replacing("${", with: "$${")))" }
        let out = [shown("*"), shown("e\u{301}")].map { "keyless.\($0)" }
        let lines = out.map { "'\($0)'" }.joined(separator: ", ")
        try w.write(
            dataA: chosen.filter { !out.contains($0) } + ["keyless.*"], extra: "exclude: [\(lines), keyless.composed]")
        try w.s.prepare()
        let published = try w.old.rows(
            "SELECT tablename FROM pg_publication_tables WHERE schemaname = 'keyless' ORDER BY tablename COLLATE \"C\"")
        let left = [Array("e\u{301}".utf8), Array("*".utf8)]
        let expected = StrangeNames.all.map { Array($0.utf8) }.filter { !left.contains($0) }
        #expect(published.map { Array(($0[0] ?? "").utf8) } == expected.sorted { $0.lexicographicallyPrecedes($1) })
    }

    static func follow(_ s: Scenario, _ location: SourceLocation = #_sourceLocation) throws {
        let outcome = try s.tandem("run", "--until", "caught-up", within: .seconds(120))
        #expect(outcome.status == .exited(0), "\(outcome.stderr)", sourceLocation: location)
        for line in outcome.stderr.split(separator: "\n") {
            #expect(line.hasPrefix("time=2"), "\(line)", sourceLocation: location)
        }
        expectTame(outcome.stderr, lines: nil, location)
    }

    /// Nothing in it moves a cursor, forges a line or turns the direction of writing.
    static func expectTame(_ text: String, lines: Int?, _ location: SourceLocation = #_sourceLocation) {
        let wild = text.unicodeScalars.filter {
            ($0.properties.generalCategory == .control && $0 != "\n") || $0 == "\u{2028}" || $0 == "\u{202e}"
        }
        #expect(wild.isEmpty, "\(Array(wild))", sourceLocation: location)
        guard let lines else { return }
        #expect(text.split(separator: "\n").count <= lines, "\(text)", sourceLocation: location)
    }

    static func isJSON(_ text: String) -> Bool {
        (try? JSONSerialization.jsonObject(with: Data(text.utf8))) != nil
    }
}

/// Every table, by the bytes of its name, and what is in it.
func contents(_ side: Database) throws -> [[UInt8]] {
    let query = """
        SELECT n.nspname || ' ' || c.relname || query_to_xml(format(
            'SELECT count(*), md5(string_agg(r::text, '','' ORDER BY r::text COLLATE "C")) FROM %I.%I r',
            n.nspname, c.relname), true, true, '')
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind = 'r' AND n.nspname !~ '^(pg_|information_schema|tandem$)' ORDER BY (n.nspname || c.relname) COLLATE "C"
        """
    let rows = try side.rows(query).map { Array(($0[0] ?? "").utf8) }
    #expect(rows.count > StrangeNames.all.count)
    return rows
}
