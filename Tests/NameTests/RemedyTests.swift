// What tandem tells an operator to run does what it says when it is pasted, whatever the names in it; and what it logs
// meanwhile stays one line an event.

import Foundation
import TestSupport
import Testing

@Suite(.blocking) struct RemedyTests {
    private static let names = ["quo\"te'd\\", "li\nne \u{1b}[2J'\"\\", "select", "$1 $(id) `id`", "сло\u{301}н 😀"]

    @Test func theReplicaIdentityOfStrangeTables() throws {
        let s = try Scenario("remedyidentity")
        defer { s.end() }
        for name in Self.names {
            let n = sqlIdentifier(name)
            try s.old.sql("CREATE SCHEMA \(n); CREATE TABLE \(n).\(n) (\(n) int)")
        }
        let outcome = try s.tandem("prepare")
        #expect(outcome.status == .exited(3))
        #expect(outcome.stderr.split(separator: "\n").count == 2, "\(outcome.stderr)")
        let statements = outcome.stderr.components(separatedBy: ", or: ").last ?? ""
        try s.old.sql(statements)
        try s.prepare()
    }

    /// One table after the other: a column new lacks, of a type that has such a name too; a table new lacks; a value that
    /// does not fit, for which the table is set aside.
    @Test(arguments: ["logfmt", "json"])
    func whatNewLacksAndWhatIsSetAside(format: String) throws {
        let s = try Scenario("remedy")
        defer { s.end() }
        let name = format == "json" ? Self.names[1] : Self.names[0]
        let (n, lone, narrow) = (sqlIdentifier(name), sqlIdentifier("lone" + name), sqlIdentifier("narrow" + name))
        try s.both(
            """
            CREATE SCHEMA \(n); CREATE TYPE \(n).\(n) AS ENUM ('x'); CREATE TABLE \(n).wide (id int PRIMARY KEY);
            CREATE TABLE \(n).\(narrow) (id int PRIMARY KEY, v text);
            """)
        try s.old.sql("CREATE TABLE \(n).\(lone) (id int PRIMARY KEY, \(n) text, other \(n).\(n))")
        let columns = Self.names.map { "ADD \(sqlIdentifier($0)) varchar(9)" }.joined(separator: ", ")
        try s.old.sql("ALTER TABLE \(n).wide \(columns), ADD own \(n).\(n)")
        try s.new.sql("ALTER TABLE \(n).\(narrow) ADD CHECK (v <> 'bad')")
        try s.prepare()
        let run = try s.start("run", "--log", format)
        try s.old.sql("INSERT INTO \(n).wide VALUES (1)")
        let column = try hint(s, "ALTER TABLE")
        try s.new.sql(column.components(separatedBy: "; then").first ?? "")
        try s.catchUp()
        try s.old.sql("INSERT INTO \(n).\(lone) VALUES (1, 'a', 'x')")
        let table = try hint(s, "pg_dump").components(separatedBy: "create it as on old: ").last ?? ""
        try shell(s, table.replacing(" OLD ", with: " \"$OLD\" ").replacing("psql NEW", with: "psql -q \"$NEW\""))
        try s.catchUp()
        try s.old.sql("INSERT INTO \(n).\(narrow) VALUES (1, 'bad')")
        let aside = try hint(s, "set-aside").components(separatedBy: "or `").last?.components(separatedBy: "` to let")
            .first
        try shell(s, (aside ?? "").replacing("tandem ", with: "\"$TANDEM\" "))
        try s.catchUp()
        #expect(try Fingerprint.expectEqual(old: s.old, new: s.new, except: [try full(s, narrow, n)]) == [])
        for line in run.log.split(separator: "\n") {
            let isWhole = format == "json" ? StrangeNameTests.isJSON(String(line)) : line.hasPrefix("time=2")
            #expect(isWhole, "\(line)")
        }
        StrangeNameTests.expectTame(run.log, lines: nil)
        #expect(try run.stop() == .exited(0))
    }

    private func full(_ s: Scenario, _ table: String, _ schema: String) throws -> String {
        try s.old.value(
            "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = \(sqlLiteral("\(schema).\(table)"))::regclass"
        ) ?? ""
    }

    /// The remedy of the problem that the status shows, once it is the one waited for.
    private func hint(_ s: Scenario, _ wanted: String) throws -> String {
        var last = ""
        let found = poll(within: .seconds(90)) { () -> String? in
            guard let outcome = try? s.tandem("status", "--json"),
                let all = try? JSONSerialization.jsonObject(with: Data(outcome.stdout.utf8)) as? [[String: Any]],
                let status = all.first?["status"] as? [String: Any], let problem = status["problem"] as? [String: Any]
            else { return nil }
            last = problem["hint"] as? String ?? ""
            return last.contains(wanted) ? last : nil
        }
        return try #require(found, "\(wanted): \(last)\n\(s.lastStarted?.tail ?? "")")
    }

    private func shell(_ s: Scenario, _ line: String) throws {
        let tools = s.old.cluster.installation.bindir
        let path = "\(tools):\(ProcessInfo.processInfo.environment["PATH"] ?? "")"
        let environment = [
            "OLD": s.old.connection, "NEW": s.new.connection, "TANDEM": try TandemBinary.path, "PATH": path,
        ]
        let outcome = try Command("/bin/bash", ["-c", line], environment: environment, directory: s.directory).run()
        #expect(outcome.status == .exited(0), "\(line)\n\(outcome.stderr)")
        #expect(!outcome.stderr.contains("ERROR"), "\(line)\n\(outcome.stderr)")
    }
}
