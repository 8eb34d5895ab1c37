// A file system that takes no more writes, where spill files go: before the start, and while it runs. The mount is the
// process's own, and ends with it.

import Foundation
import TestSupport
import Testing

private let canMount: Bool = {
    guard geteuid() == 0 else { return false }
    let outcome = try? Command("/usr/bin/unshare", ["--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).run()
    return outcome?.status == .exited(0)
}()

@Suite(.blocking) struct ReadOnlySpillTests {
    private static let mounted = "mount -t tmpfs -o ro,mode=700 tmpfs \"$1\" && exec \"$0\" $3 --config \"$2\""

    private func arguments(_ s: Scenario, _ command: String) throws -> [String] {
        let inside = try [TandemBinary.path, s.spillDirectory, s.configurationPath, command]
        return ["--mount", "/bin/bash", "-c", Self.mounted] + inside
    }

    /// As long as a file is open for writing, the mount cannot be made read-only.
    private func remount(_ s: Scenario, of run: Replicator, _ how: String) throws {
        let mount = ["mount", "-o", "remount,\(how)", s.spillDirectory]
        let command = Command("/usr/bin/nsenter", ["--target", "\(run.pid)", "--mount"] + mount)
        let done = try poll(within: .seconds(20)) { try command.run().status == .exited(0) ? true : nil }
        #expect(done == true, "\(how)")
    }

    /// Mistyped as a rule: nobody would see it in the log of a service.
    @Test(.enabled(if: canMount, "only root can mount")) func aStartWhereNoneCanBeMadeEnds() throws {
        let s = try Scenario.prepared("nospill", "CREATE TABLE t (a int PRIMARY KEY)")
        defer { s.end() }
        let above = s.directory + "/above"
        try FileManager.default.createDirectory(atPath: above, withIntermediateDirectories: true)
        let text = try String(contentsOfFile: s.configurationPath, encoding: .utf8)
        let moved = text.replacing(s.spillDirectory, with: above + "/spill")
        try moved.write(toFile: s.configurationPath, atomically: true, encoding: .utf8)
        let words = ["--mount", "/bin/bash", "-c", Self.mounted]
        let inside = try [TandemBinary.path, above, s.configurationPath, "run"]
        let seen = try Command(
            "/usr/bin/unshare", words + inside, environment: PostgresInstallation.tandemEnvironment,
            directory: s.directory
        ).run(within: .seconds(60))
        #expect(seen.status == .exited(1) && seen.stderr.contains(above + "/spill"), "\(seen.stderr)")
        #expect(seen.stderr.contains("configure another spill directory"), "\(seen.stderr)")
    }

    @Test(.enabled(if: canMount, "only root can mount")) func nothingIsLostAndItSaysWhy() throws {
        let s = try Scenario.prepared(
            "readonly", extra: "limits: { memory: 4MB }", "CREATE TABLE t (a int PRIMARY KEY, b text)")
        defer { s.end() }
        try FileManager.default.createDirectory(atPath: s.spillDirectory, withIntermediateDirectories: true)
        let usual = try PostgresInstallation.tandemEnvironment
        let preflight = try Command(
            "/usr/bin/unshare", arguments(s, "preflight"), environment: usual, directory: s.directory)
        let seen = try preflight.run(within: .seconds(60))
        #expect(seen.stdout.contains("mounted read-only"), "\(seen.stdout)\(seen.stderr)")

        try s.old.sql("BEGIN; \(rows("t", count: 30_000)) COMMIT")
        let run = try s.start(program: "/usr/bin/unshare", arguments(s, "run"), environment: usual)
        for round in 0..<2 {
            if round > 0 {
                try remount(s, of: run, "ro")
                try s.old.sql("BEGIN; \(rows("t", from: 100_000, count: 30_000)) COMMIT")
            }
            try s.new.wait(
                for: "SELECT status LIKE '%Read-only file system%' FROM tandem.stream_status", toBe: "t")
            let shown = try s.tandem("status").stdout
            #expect(shown.contains("write access, or configure another spill directory"), "\(shown)")
            #expect(try s.new.value("SELECT count(*) FROM t") == "\(round * 30_000)")
            try s.expectSlotNotAhead()
            try remount(s, of: run, "rw")
            try s.catchUp()
        }
        try s.expectSame()
        #expect(try run.stop() == .exited(0))
        let lines = run.log.split(separator: "\n")
        #expect(lines.count { $0.contains("event=waiting") } == 2 && !run.log.contains("interrupted"), "\(run.log)")
    }
}
