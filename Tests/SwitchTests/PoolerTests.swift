// Customers of the bookstore while the sides change places: through a real PgBouncer that the hooks in docs/examples drive they
// see no error at all; those who know both addresses find the other one by themselves. Their own ledger judges.

import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.blocking) struct PoolerTests {
    private struct Report: Decodable {
        struct Counts: Decodable {
            let writes: Int
            let errors: [String: Int]
            let unknown: [String: Int]
            let retries: [String: Int]
        }
        let counts: Counts
        let longestWait: Double
        let isLast: Bool
    }

    private func last(_ instance: Replicator) throws -> Report {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let line = try #require(instance.output.split(separator: "\n").last)
        return try decoder.decode(Report.self, from: Data(line.utf8))
    }

    /// PgBouncer as the page sets it up, in a directory that its account may enter, and the page's hooks.
    private func pooler(_ s: Scenario) throws -> (process: Replicator, connection: String, hooks: String) {
        let directory = "\(s.old.cluster.socketDirectory)/\(s.name)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let shown = try ShownPooler()
        try shown.write(to: directory, s)
        try FileManager.default.createSymbolicLink(atPath: "\(directory)/current.ini", withDestinationPath: "old.ini")
        try "\"postgres\" \"\"\n".write(toFile: "\(directory)/users", atomically: true, encoding: .utf8)
        let place = """
            listen_addr =
            unix_socket_dir = \(directory)
            listen_port = 6432
            auth_type = trust
            auth_file = \(directory)/users
            admin_users = postgres
            user = postgres
            """
        let file = "\(directory)/pgbouncer.ini"
        try (String(contentsOfFile: file, encoding: .utf8) + place).write(
            toFile: file, atomically: true, encoding: .utf8)
        if getuid() == 0 { _ = try Command("/bin/chown", ["-R", "postgres", directory]).run() }
        let process = try s.start(program: "/usr/sbin/pgbouncer", [file])
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "../../docs/examples/pgbouncer-flip.sh"
        ).standardized.path
        return (
            process, "host=\(directory) port=6432 dbname=shop user=postgres",
            try shown.hooks(directory, script: script)
        )
    }

    @Test func customersSeeNoErrors() throws {
        guard FileManager.default.isExecutableFile(atPath: "/usr/sbin/pgbouncer") else {
            Issue.record("no pgbouncer: run 'make deps'")
            return
        }
        let s = try Scenario("switchpool", marker: false)
        defer { s.end() }
        func ok(_ arguments: [String]) throws {
            let outcome = try s.tandem(arguments)
            #expect(outcome.exitCode == 0, "\(arguments): \(outcome.stdout)\n\(outcome.stderr)")
        }
        let pool = try pooler(s)
        defer {
            pool.process.kill()
            try? FileManager.default.removeItem(atPath: "\(s.old.cluster.socketDirectory)/\(s.name)")
        }
        let path = try PostgresInstallation.newest.bindir
        try s.writeConfiguration(
            dataA: ["bookstore.*"], marker: false, initialCopy: "all",
            extra: """
                strategy: pause
                limits: {pause: 20s}
                gates: {lag: 60s}
                evidence: "\(s.directory)/evidence"
                \(pool.hooks)
                """)
        try ok(["bookstore", "load", "--books", "60", "--accounts", "20", "--keyless", "--old", s.old.connection])
        let run = try s.start("run", environment: ["PATH": "\(path):/usr/bin:/bin"])
        try s.new.wait(for: "SELECT completed_at IS NOT NULL FROM tandem.copy", toBe: "t")
        try s.old.wait(for: "SELECT count(*) FROM pg_replication_slots WHERE active", toBe: "1")
        try ok(["advance", "--yes"])
        try s.waitForRoles(forward: "apply", reverse: "watch")
        try ok(["verify"])
        let common = ["--rate", "40", "--json", "--strategy", "pause"]
        let pooled = try s.start(
            program: TandemBinary.path, ["bookstore", "instance", "web-1", "--old", pool.connection] + common,
            environment: PostgresInstallation.tandemEnvironment)
        let direct = try s.start(
            program: TandemBinary.path,
            ["bookstore", "instance", "web-2", "--old", s.old.connection, "--new", s.new.connection, "--follow"]
                + common,
            environment: PostgresInstallation.tandemEnvironment)
        try s.old.wait(for: "SELECT count(*) > 40 FROM bookstore.journal", toBe: "t")
        try s.new.wait(for: "SELECT count(*) > 40 FROM bookstore.journal", toBe: "t")
        try s.new.sql("ANALYZE")
        for (words, side) in [([], s.new), (["--back"], s.old)] {
            if side.cluster.name == s.old.cluster.name { try ok(["verify"]) }
            let outcome = try s.tandem(
                ["switch", "--yes"] + words + Switching.waived, environment: ["PATH": "\(path):/usr/bin:/bin"])
            #expect(outcome.exitCode == 0, "\(outcome.stdout)\n\(outcome.stderr)\n\(run.tail)")
            // Both go on there.
            for name in ["web-1", "web-2"] {
                let count = try side.value("SELECT count(*) FROM bookstore.journal WHERE instance = '\(name)'") ?? "0"
                try side.wait(
                    for: "SELECT count(*) > \(count)::int + 5 FROM bookstore.journal WHERE instance = '\(name)'",
                    toBe: "t")
            }
            let isNew = side.cluster.name == s.new.cluster.name
            try s.waitForRoles(forward: isNew ? "watch" : "apply", reverse: isNew ? "apply" : "watch")
        }
        for instance in [pooled, direct] {
            #expect(try instance.stop() == .exited(0))
            let report = try last(instance)
            #expect(report.isLast && report.counts.errors.isEmpty && report.counts.unknown.isEmpty, "\(instance.tail)")
            #expect(report.counts.writes > 40)
        }
        #expect(try last(pooled).counts.retries["25006"] == nil, "\(pooled.tail)")
        let position = try s.old.value("SELECT pg_current_wal_lsn()") ?? ""
        try s.old.wait(
            for:
                "SELECT confirmed_flush_lsn >= '\(position)' FROM pg_replication_slots WHERE slot_name = '\(s.slotName)'",
            toBe: "t")
        try ok(["bookstore", "check", "--old", s.old.connection, "--new", s.new.connection])
        #expect(try run.stop() == .exited(0))
    }
}
