// A password is nowhere but in the configuration: not in what is said, not in what is kept, not where others on either
// machine can look; also when it stands in the wrong place.

import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.blocking) struct SecretTests {
    /// Connection strings that cannot be used as they are meant, each with parts of the password where libpq sees
    /// something else and says so.
    private static let mistaken = [
        "host=HOST port=PORT user=u dbname=d password=left S3CRET right",
        "host=HOST port=PORT user=u dbname=d password=left S3CRET=right",
        "host=HOST port=PORT user=u dbname=d password='left S3CRET",
        "host=HOST port=PORT user=u dbname=d password=S3CRET",
        "host=HOST port=PORT user=u dbname=d password='S3CRET' sslmode=verify",
        "host=HOST port=PORT user=u dbname=d password='S3CRET' bogus",
        "host=HOST port=PORT user=u dbname=d password=x port=S3CRET",
        "host='' hostaddr='S3CRET@x' password='S3CRET'",
        "postgresql://u:left@S3CRET@HOST:PORT/d", "postgresql://u:left/S3CRET@HOST:PORT/d",
        "postgresql://u:S3CRET/left@HOST:PORT/d", "postgresql://u:left?S3CRET@HOST:PORT/d",
        "postgresql://u:left?S3CRET=x@HOST:PORT/d", "postgresql://u:left%S3CRET@HOST:PORT/d",
        "postgresql://u:left#S3CRET@HOST:PORT/d", "postgresql://u:[S3CRET@HOST:PORT/d",
        "postgresql://u:S3CRET:x@HOST:PORT/d", "postgresql://u:S3CRET@HOST:port/d",
        "postgresql://u:S3CRET@nowhere.invalid/d", "postgresql://u:S3CRET@127.0.0.1:1/d",
        "postgresql://u:S3CRET@HOST:PORT/d?sslmode=require",
        "postgresql://u:S3CRET@HOST:PORT/d?sslrootcert=/none&sslmode=verify-full",
        "postgresql://u@HOST:PORT/d?password=S3CRET&sslmod=x", "postgres://u:S3CRET@HOST:PORT,h2:PORT2/d",
    ]

    @Test func mistakenConnectionStringsAreNotRepeated() throws {
        let s = try Scenario("mistaken")
        defer { s.end() }
        for text in Self.mistaken {
            let conninfo = text.replacing("HOST", with: "127.0.0.1").replacing("PORT", with: "\(s.old.cluster.port)")
            try s.writeConfiguration(old: conninfo)
            for command in [["prepare"], ["status"], ["status", "--json"], ["run", "--until", "caught-up"]] {
                let outcome = try Command(TandemBinary.path, command, directory: s.directory).run(within: .seconds(90))
                let said = outcome.stdout + outcome.stderr
                #expect(outcome.status != .exited(0), "\(text)")
                #expect(!said.contains("S3CRET") && !said.contains("left"), "\(text) \(command): \(said)")
                if command == ["prepare"] { #expect(said.contains("connecting to old"), "\(text): \(said)") }
            }
        }
        // Without anything secret in it, the mistake is shown.
        try s.writeConfiguration(old: "host=\(s.old.cluster.socketDirectory) prot=5432")
        #expect(try s.tandem("prepare").stderr.contains("\"prot\""))
        try s.writeConfiguration(old: "host=nowhere.invalid user=u password=secret")
        #expect(try s.tandem("prepare").stderr.contains("nowhere.invalid"))
    }

    /// Passwords from the string, the environment and a file; everything that can be looked at while it runs and after.
    @Test func passwordsAreKeptNowhere() throws {
        let password = PasswordPair.password
        let pair = try PasswordPair.shared()
        let s = try Scenario("secrets", on: pair, extra: "limits: { memory: 16MB }")
        defer { s.end() }
        try s.both("CREATE TABLE t (a int PRIMARY KEY, b text)")
        let escaped = password.replacing("\\", with: "\\\\").replacing(":", with: "\\:")
        let file = "\(s.directory)/passwords"
        try "*:*:*:*:\(escaped)\n".write(toFile: file, atomically: true, encoding: .utf8)
        chmod(file, 0o600)
        try s.writeConfiguration(
            old: s.old.cluster.connection(database: s.name, overTCP: true, extra: ["password": password]),
            new: s.new.cluster.connection(database: s.name, overTCP: true), extra: "limits: { memory: 16MB }")
        let environment = ["PGPASSFILE": file]
        try s.prepare(environment: environment)
        let run = try s.start("run", "--verbose", environment: environment)
        try s.catchUp()
        let open = try s.old.session()
        try open.send("BEGIN; INSERT INTO t SELECT i, repeat(md5(i::text), 20) FROM generate_series(1, 60000) i")
        #expect(poll(within: .seconds(90)) { !spillFiles(s).isEmpty ? true : nil } != nil, "\(run.tail)")
        for path in spillFiles(s) {
            #expect(mode(path) == 0o600)
            let found = try Command("/bin/grep", ["-c", "-a", "S3CRET", path]).run()
            #expect(found.stdout == "0\n")
        }
        #expect(mode(s.spillDirectory) == 0o700)
        let arguments = try String(contentsOfFile: "/proc/\(run.pid)/cmdline", encoding: .utf8)
        #expect(!arguments.contains("S3CRET"))
        let limits = try String(contentsOfFile: "/proc/\(run.pid)/limits", encoding: .utf8)
        let core = limits.split(separator: "\n").first { $0.hasPrefix("Max core file size") }
        #expect(core?.split(whereSeparator: \.isWhitespace).map(String.init).suffix(3) == ["0", "0", "bytes"])
        for side in [s.old, s.new] {
            let names = try side.sql(
                "SELECT application_name FROM pg_stat_activity WHERE application_name LIKE 'tandem%'")
            #expect(!names.contains("S3CRET") && names.contains("tandem_t_"))
            let queries = try side.sql("SELECT query FROM pg_stat_activity WHERE application_name LIKE 'tandem%'")
            #expect(!queries.contains("S3CRET"))
            let kept = try side.sql("SELECT schema_to_xml('tandem', true, true, '')")
            #expect(!kept.contains("S3CRET") && kept.contains(s.name))
        }
        for command in [["status"], ["status", "--json"], ["lag", "--json"]] {
            let outcome = try Command(
                TandemBinary.path, command, environment: environment, directory: s.directory
            ).run()
            #expect(outcome.status == .exited(0), "\(outcome.stderr)")
            #expect(!(outcome.stdout + outcome.stderr).contains("S3CRET"))
        }
        try open.send("ROLLBACK")
        #expect(try run.stop() == .exited(0))
        #expect(!(run.log + run.output).contains("S3CRET"))
        #expect(!s.old.cluster.log.contains("S3CRET") && !s.new.cluster.log.contains("S3CRET"))
    }

    private func spillFiles(_ s: Scenario) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: s.spillDirectory)) ?? []
        return names.filter { $0.hasSuffix(".spill") }.map { "\(s.spillDirectory)/\($0)" }
    }

    private func mode(_ path: String) -> mode_t {
        var found = stat()
        return lstat(path, &found) == 0 ? found.st_mode & 0o7777 : 0
    }
}
