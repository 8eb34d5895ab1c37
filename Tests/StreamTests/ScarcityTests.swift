// Little of what a process needs: descriptors, file sizes, a home, a temporary directory. It works, or says what it lacks.

import Glibc
import TestSupport
import Testing

@Suite(.blocking) struct ScarcityTests {
    private static let table = "CREATE TABLE t (a int, b text); ALTER TABLE t REPLICA IDENTITY FULL"

    private func follow(_ s: Scenario, _ preparation: String) throws -> Outcome {
        try Command(
            "/bin/bash",
            ["-c", preparation + "; exec \"$0\" run --until caught-up", TandemBinary.path], directory: s.directory
        ).run(within: .seconds(120))
    }

    @Test(arguments: [
        "ulimit -n 64", "ulimit -S -n 32", "unset HOME", "export HOME=/nowhere", "export TMPDIR=/nowhere",
        "umask 777", "exec 0<&-", "unset PATH LANG USER LOGNAME",
    ])
    func littleIsEnough(preparation: String) throws {
        let s = try Scenario.prepared("scarce", extra: "limits: { memory: 4MB }", Self.table)
        defer { s.end() }
        // Large enough to spill, and to come in pieces.
        try s.old.sql("BEGIN; \(rows("t", count: 30_000)) COMMIT; \(rows("t", from: 50_000, count: 10))")
        let outcome = try follow(s, preparation)
        #expect(outcome.status == .exited(0), "\(outcome.stderr)")
        try s.expectSame()
    }

    /// As many transactions open at once as there are files allowed: reading stops where it must, with its reason.
    @Test func aFileSizeLimitIsLikeAFullDisk() throws {
        let s = try Scenario.prepared("filesize", extra: "limits: { memory: 4MB }", Self.table)
        defer { s.end() }
        let run = try s.start(
            program: "/bin/bash",
            ["-c", "ulimit -f 64; exec \"$0\" run --config \"$1\"", TandemBinary.path, s.configurationPath])
        try s.old.sql(rows("t", count: 10))
        try s.new.wait(for: "SELECT count(*) FROM t", toBe: "10")
        let large = try s.old.session()
        try large.send("BEGIN; \(rows("t", from: 1000, count: 60_000, "repeat(md5(i::text) || md5((-i)::text), 4)"))")
        try run.waitForLog("event=waiting")
        try s.new.wait(for: "SELECT status LIKE '%ulimit -f%' FROM tandem.stream_status", toBe: "t")
        // The source is still answered: its patience is five seconds.
        let pid = try s.walsender()
        rest(.seconds(7))
        #expect(try s.walsender() == pid)
        try s.expectSlotNotAhead()
        #expect(try run.stop(within: .seconds(60)) == .exited(0))
        try large.send("COMMIT")
        try s.follow()
        try s.expectSame()
    }
}
