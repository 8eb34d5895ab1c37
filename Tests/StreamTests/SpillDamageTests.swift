// Spill files that are not any more what was written to them, through the whole program: found out, thrown away, and what
// was in them is received again. Nothing of a damaged file reaches new.

import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.blocking) struct SpillDamageTests {
    enum Damage: String, CaseIterable {
        case emptied, cutInTheMiddle, flippedNearTheStart, flippedInTheMiddle, flippedAtTheEnd, swapped, overwritten
    }

    private static let table = "CREATE TABLE t (a int, b text); ALTER TABLE t REPLICA IDENTITY FULL"

    @Test(arguments: Damage.allCases)
    func isFoundOutAndSentAgain(damage: Damage) throws {
        let s = try Scenario.prepared("damage", extra: "limits: { memory: 4MB }", Self.table)
        defer { s.end() }
        let run = try s.start("run")
        let sessions = try (0..<2).map { _ in try s.old.session() }
        for (index, session) in sessions.enumerated() {
            try session.send("BEGIN; \(rows("t", from: index * 100_000, count: 40_000))")
        }
        let paths = try #require(
            poll(within: .seconds(120)) { () -> [String]? in
                let paths = s.spillFiles.map { "\(s.spillDirectory)/\($0)" }
                return paths.count >= 2 && paths.allSatisfy { size($0) > 20_000 } ? paths : nil
            })
        try spoil(paths, damage)
        for session in sessions { try session.send("COMMIT") }
        try s.old.sql(rows("t", from: 500_000, count: 10))
        try s.catchUp(within: .seconds(120))
        try s.expectSame()
        #expect(try s.new.value("SELECT count(*) FROM t") == "80010")
        #expect(run.log.contains("damaged"), "\(run.tail)")
        #expect(run.status == nil)
        #expect(try run.stop(within: .seconds(60)) == .exited(0))
        #expect(s.spillFiles == [])
    }

    private func size(_ path: String) -> Int {
        (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int ?? 0
    }

    /// In place: the file that the program holds open.
    private func spoil(_ paths: [String], _ damage: Damage) throws {
        for path in paths {
            let size = size(path)
            switch damage {
            case .emptied: truncate(path, 0)
            case .cutInTheMiddle: truncate(path, size / 2)
            // Past the header, which only says whose file it is.
            case .flippedNearTheStart: try flip(path, 400)
            case .flippedInTheMiddle: try flip(path, size / 2)
            case .flippedAtTheEnd: try flip(path, size - 3)
            case .swapped, .overwritten: break
            }
        }
        let contents = try paths.map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
        switch damage {
        case .swapped:
            try overwrite(paths[0], with: contents[1])
            try overwrite(paths[1], with: contents[0])
        case .overwritten:
            for (path, content) in zip(paths, contents) {
                try overwrite(path, with: Data(repeating: 0xff, count: content.count))
            }
        default: break
        }
    }

    private func flip(_ path: String, _ offset: Int) throws {
        let file = try #require(FileHandle(forUpdatingAtPath: path))
        try file.seek(toOffset: UInt64(offset))
        let byte = try #require(try file.read(upToCount: 1)?.first)
        try file.seek(toOffset: UInt64(offset))
        try file.write(contentsOf: Data([byte ^ 0x10]))
        try file.close()
    }

    private func overwrite(_ path: String, with content: Data) throws {
        let file = try #require(FileHandle(forUpdatingAtPath: path))
        try file.write(contentsOf: content)
        try file.truncate(atOffset: UInt64(content.count))
        try file.close()
    }

    /// The disk below the files gives errors for a while, in writing or reading: nothing of a file that is not whole reaches new,
    /// nothing is acknowledged, and when the disk is well again everything arrives.
    @Test(arguments: ["pwrite", "pread"]) func aDiskThatFails(call: String) throws {
        let s = try Scenario.prepared("failing", extra: "limits: { memory: 4MB }", Self.table)
        defer { s.end() }
        let (ill, library) = ("\(s.directory)/ill", "\(s.directory)/failing.so")
        let source = """
            #define _GNU_SOURCE
            #include <dlfcn.h>
            #include <errno.h>
            #include <stdio.h>
            #include <string.h>
            #include <unistd.h>
            static int fails(int descriptor) {
                char link[64], path[4096];
                snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
                ssize_t length = readlink(link, path, sizeof path - 1);
                path[length < 0 ? 0 : length] = 0;
                return strstr(path, ".spill") && access("\(ill)", F_OK) == 0;
            }
            ssize_t \(call)(int descriptor, \(call == "pread" ? "" : "const ") void *bytes, size_t count, off_t offset) {
                static ssize_t (*real)(int, \(call == "pread" ? "" : "const ") void *, size_t, off_t);
                if (!real) real = dlsym(RTLD_NEXT, "\(call)");
                if (fails(descriptor)) { errno = EIO; return -1; }
                return real(descriptor, bytes, count, offset);
            }
            """
        try source.write(toFile: "\(s.directory)/failing.c", atomically: true, encoding: .utf8)
        try Command(
            "clang", ["-shared", "-fPIC", "-o", library, "\(s.directory)/failing.c"], directory: s.directory
        ).succeed()
        let run = try s.start("run", environment: ["LD_PRELOAD": library])
        try s.catchUp()
        try "".write(toFile: ill, atomically: true, encoding: .utf8)
        try s.old.sql("BEGIN; \(rows("t", count: 60_000)) COMMIT; \(rows("t", from: 500_000, count: 10))")
        try run.waitForLog("Input/output error")
        rest(.seconds(2))
        try s.expectSlotNotAhead()
        #expect(try s.new.value("SELECT count(*) FROM t") == "0")
        #expect(run.status == nil, "\(run.tail)")
        try FileManager.default.removeItem(atPath: ill)
        try s.catchUp()
        #expect(try s.new.value("SELECT count(*) FROM t") == "60010")
        try s.expectSame()
        #expect(try run.stop(within: .seconds(60)) == .exited(0))
        #expect(s.spillFiles == [])
    }

    /// What stands in the spill directory at a start and is not this stream's is left alone; a directory that others can
    /// reach is refused by name.
    @Test func whatIsNotOursIsNeitherReadNorRemoved() throws {
        let s = try Scenario.prepared("planted", extra: "limits: { memory: 4MB }", Self.table)
        defer { s.end() }
        try s.old.sql("BEGIN; \(rows("t", count: 40_000)) COMMIT")
        let directory = s.spillDirectory
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let precious = "\(s.directory)/precious"
        try "untouched".write(toFile: precious, atomically: true, encoding: .utf8)
        try FileManager.default.createSymbolicLink(
            atPath: "\(directory)/\(s.slotName).1.1.700.spill", withDestinationPath: precious)
        try "stale".write(toFile: "\(directory)/\(s.slotName).1.2.701.spill", atomically: true, encoding: .utf8)
        try "another's".write(
            toFile: "\(directory)/tandem_other_forward.1.1.1.spill", atomically: true, encoding: .utf8)

        #expect(chmod(directory, 0o777) == 0)
        let open = try s.tandem("run", "--until", "caught-up")
        #expect(open.status == .exited(3) && open.stderr.contains("chmod 700"), "\(open.stderr)")
        #expect(chmod(directory, 0o700) == 0)
        if getuid() == 0 {
            #expect(chown(directory, 65534, 65534) == 0)
            let foreign = try s.tandem("run", "--until", "caught-up")
            #expect(foreign.status == .exited(3) && foreign.stderr.contains("belongs to user"), "\(foreign.stderr)")
            #expect(chown(directory, 0, 0) == 0)
        }
        try s.follow()
        try s.expectSame()
        #expect(try String(contentsOfFile: precious, encoding: .utf8) == "untouched")
        #expect(s.spillFiles == ["tandem_other_forward.1.1.1.spill"])
    }
}
