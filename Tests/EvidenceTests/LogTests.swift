// The log on disk, without a server.

import Evidence
import Foundation
import Glibc
import Model
import SchemaFingerprint
import Testing

@Suite struct LogTests {
    private final class Place {
        let path: String
        let log: EvidenceLog

        init() throws {
            path = NSTemporaryDirectory() + "evidence-\(UUID().uuidString)"
            log = EvidenceLog(
                directory: path, stream: StreamName(migration: "t", pair: "p", direction: .forward))
        }

        deinit {
            chmod(path, 0o700)
            try? FileManager.default.removeItem(atPath: path)
        }

        func note(_ command: String = "run") throws -> Int {
            try log.record(EvidenceLog.Event(command, .noted), old: nil, new: nil).number
        }

        var chain: EvidenceChain {
            get throws { EvidenceChain(try log.file.read() ?? "") }
        }
    }

    @Test func entriesFollowOneAnother() throws {
        let place = try Place()
        #expect(try (1...4).map { _ in try place.note() } == [1, 2, 3, 4])
        #expect(try place.chain.findings.isEmpty)
        var found = stat()
        #expect(stat(place.log.file.path, &found) == 0 && found.st_mode & 0o777 == 0o600)
        #expect(stat(place.path, &found) == 0 && found.st_mode & 0o777 == 0o700)
    }

    @Test func anActHasABeginningAndAnEnd() throws {
        struct Mishap: Error {}
        let place = try Place()
        #expect(throws: Mishap.self) {
            try place.log.perform("abort", old: nil, new: nil) { throw Mishap() }
        }
        try place.log.perform("pause", executed: ["x"], old: nil, new: nil) {}
        #expect(
            try place.chain.lines.map { $0.fields?["phase"] as? String } == ["begins", "failed", "begins", "done"])
    }

    @Test func whatCannotBeWrittenStopsTheAct() throws {
        let place = try Place()
        _ = try place.note()
        // A directory in the place of the file: not even root writes that.
        try FileManager.default.removeItem(atPath: place.log.file.path)
        try FileManager.default.createDirectory(atPath: place.log.file.path, withIntermediateDirectories: false)
        var acted = false
        #expect(throws: EvidenceError.self) {
            try place.log.perform("abort", old: nil, new: nil) { acted = true }
        }
        #expect(!acted)
    }

    @Test func aTornLineIsCutAwayAndSaid() throws {
        let place = try Place()
        _ = try place.note()
        let handle = try #require(FileHandle(forWritingAtPath: place.log.file.path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data("{\"number\":2,\"at\":".utf8))
        #expect(try place.note() == 2)
        let chain = try place.chain
        #expect(chain.findings.isEmpty)
        #expect((chain.last?.fields?["details"] as? [String: Any])?["torn"] as? String == "17 bytes after entry 1")
    }

    @Test func aDamagedLastLineIsNotGoneOnWith() throws {
        let place = try Place()
        _ = try place.note()
        let text = try #require(try place.log.file.read()).replacing("noted", with: "done!")
        try text.write(toFile: place.log.file.path, atomically: false, encoding: .utf8)
        #expect(throws: EvidenceError.self) { try place.note() }
        let aside = try #require(try place.log.file.putAside())
        #expect(FileManager.default.fileExists(atPath: aside))
        #expect(try place.note() == 1)
    }

    @Test func othersMustNotBeAbleToWriteIt() throws {
        let place = try Place()
        _ = try place.note()
        chmod(place.log.file.path, 0o622)
        #expect(throws: EvidenceError.self) { try place.note() }
        chmod(place.log.file.path, 0o600)
        chmod(place.path, 0o777)
        #expect(throws: EvidenceError.self) { try place.note() }
        chmod(place.path, 0o700)
        if geteuid() == 0 {
            chown(place.log.file.path, 12345, 0)
            #expect(throws: EvidenceError.self) { try place.note() }
            chown(place.log.file.path, 0, 0)
        }
        #expect(try place.note() == 2)
    }

    @Test func manyAtOnceWriteOneChain() async throws {
        let place = try Place()
        let log = place.log
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<10 {
                        _ = try? log.record(EvidenceLog.Event("run", .noted), old: nil, new: nil)
                    }
                }
            }
        }
        let chain = try place.chain
        #expect(chain.lines.count == 80)
        #expect(chain.findings.isEmpty)
    }

    /// Pairs of one configuration often have the same schema, and keep it in one file.
    @Test func manyAtOnceKeepOneSchema() async throws {
        let place = try Place()
        let path = place.path
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        var schema = SchemaDescription()
        for number in 1...50 { schema.add(SchemaObject(.table, QualifiedName(schema: "public", name: "t\(number)"))) }
        let check = RecordedCheck(old: schema, new: schema)
        for round in 0..<20 {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for pair in 0..<4 {
                    let log = EvidenceLog(
                        directory: "\(path)/\(round)",
                        stream: StreamName(migration: "t", pair: "p\(pair)", direction: .forward))
                    group.addTask { try log.recordCheck(check, verdicts: [], counts: [], old: nil, new: nil) }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func entriesOfAnotherMachineAreTakenIn() throws {
        let (here, there) = (try Place(), try Place())
        for _ in 1...3 { _ = try there.note() }
        let all = try #require(try there.log.file.read())
        let first = all.split(separator: "\n")[0] + "\n"
        try FileManager.default.createDirectory(atPath: here.path, withIntermediateDirectories: false)
        try first.write(toFile: here.log.file.path, atomically: false, encoding: .utf8)
        chmod(here.path, 0o700)
        chmod(here.log.file.path, 0o600)
        #expect(try here.log.file.take(all).taken == 2)
        #expect(try here.log.file.read() == all)
        #expect(try here.note() == 4)
        let other = try Place()
        _ = try other.note("abort")
        #expect(throws: EvidenceError.self) { try here.log.file.take(try other.log.file.read() ?? "") }
        #expect(throws: EvidenceError.self) { try here.log.file.take("nonsense\n") }
    }

    @Test func whatPreflightSawIsFoundAgainUntilAnAbort() throws {
        let place = try Place()
        var schema = SchemaDescription()
        schema.add(SchemaObject(.table, QualifiedName(schema: "public", name: "a")))
        #expect(try place.log.lastCheck() == nil)
        let verdicts = [
            Verdict(check: "disk", severity: "warning", objects: "old"),
            Verdict(check: "identity", severity: "blocker", objects: "public.a, skipped: x"),
            Verdict(check: "rows", severity: "blocker", objects: "public.b"),
        ]
        try place.log.recordCheck(
            RecordedCheck(old: schema, new: nil, skipped: ["identity": "blocker: no"]), verdicts: verdicts,
            counts: [("blocker", 1)], old: nil, new: nil)
        _ = try place.note()
        let expected = RecordedCheck(
            old: schema, new: nil, blockers: ["rows"], skipped: ["identity": "blocker: no"])
        #expect(try place.log.lastCheck() == expected)
        try place.log.perform("abort", old: nil, new: nil) {}
        #expect(try place.log.lastCheck() == nil)
    }
}
