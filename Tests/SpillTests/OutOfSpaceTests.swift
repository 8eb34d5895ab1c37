// A disk that fills up: the append fails whole, what was there stays readable, and once there is room the same append
// succeeds.

import Foundation
import Testing

@testable import Spill

/// A small file system of one test.
private final class SmallDisk {
    let path: String

    init?(in scratch: Scratch) {
        path = scratch.path + "/disk"
        mkdir(path, 0o700)
        guard Self.run("mount", "-t", "tmpfs", "-o", "size=4m,mode=0700", "tmpfs", path) else { return nil }
    }

    deinit { _ = Self.run("umount", path) }

    private static func run(_ arguments: String...) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        do { try process.run() } catch { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}

private let canMount: Bool = {
    guard geteuid() == 0, let scratch = try? Scratch() else { return false }
    return SmallDisk(in: scratch) != nil
}()

/// The threads tests run on block signals, and whoever started them may ignore some; tandem's own do neither.
private func letTheSignalKill() {
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, SIGXFSZ)
    signal(SIGXFSZ, SIG_DFL)
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
}

@Suite struct OutOfSpaceTests {
    private func fill(_ file: SpillFile, with block: [UInt8], atMost count: Int) throws -> (Int, SpillError?) {
        for number in 0..<count {
            do { try file.append(block) } catch { return (number, error) }
        }
        return (count, nil)
    }

    @Test(.enabled(if: canMount, "only root can mount a small disk"))
    func aFullDiskIsAnErrorUntilThereIsRoom() throws {
        let scratch = try Scratch()
        let disk = try #require(SmallDisk(in: scratch))
        try Data(count: 2 << 20).write(to: URL(fileURLWithPath: disk.path + "/ballast"))
        let directory = try scratch.directory("disk/spill")
        let file = try directory.makeFile(xid: 7)
        var random = SeededRandom(seed: 6)
        let block = random.bytes(300_000)

        let (fitted, failure) = try fill(file, with: block, atMost: 20)
        let error = try #require(failure)
        #expect((1..<8).contains(fitted))
        #expect(error.isOutOfSpace && !error.isCorrupt)
        #expect(error.description.contains(file.path) && error.description.contains("No space left"))
        #expect(error.hint?.contains("Free space") == true)

        #expect(file.blocks == fitted && file.bytes == fitted * block.count)
        #expect(try file.stored.count == file.bytesOnDisk)
        #expect(directory.bytesOnDisk == file.bytesOnDisk)
        #expect(outcome(of: file, expecting: Array(repeating: block, count: fitted)) == .identical)
        #expect(throws: SpillError.self) { try file.append(block) }

        try FileManager.default.removeItem(atPath: disk.path + "/ballast")
        try file.append(block)
        try file.append([1, 2, 3])
        #expect(try file.all() == Array(repeating: block, count: fitted + 1) + [[1, 2, 3]])
        file.remove()
    }

    @Test(.enabled(if: canMount, "only root can mount a small disk"))
    func aFileThatCannotBeMadeLeavesNothing() throws {
        let scratch = try Scratch()
        let disk = try #require(SmallDisk(in: scratch))
        let directory = try scratch.directory("disk/spill")
        #expect(throws: (any Error).self) {
            try Data(count: 8 << 20).write(to: URL(fileURLWithPath: disk.path + "/ballast"))
        }
        let error = #expect(throws: SpillError.self) { try directory.makeFile(xid: 7) }
        #expect(error?.isOutOfSpace == true)
        #expect(try scratch.names(in: "disk/spill") == [])
        #expect(directory.bytesOnDisk == 0)
        try FileManager.default.removeItem(atPath: disk.path + "/ballast")
        try directory.makeFile(xid: 7).append([1])
    }

    /// In a process of its own: the limit is the whole process's, and breaking it is a signal that kills.
    @Test func theFileSizeLimitIsAnErrorNotADeath() async {
        await #expect(processExitsWith: .success) {
            letTheSignalKill()
            let scratch = try Scratch()
            let file = try scratch.directory().makeFile(xid: 7)
            var random = SeededRandom(seed: 7)
            let block = random.bytes(100_000)
            var limit = rlimit()
            getrlimit(Int32(RLIMIT_FSIZE.rawValue), &limit)
            let before = limit.rlim_cur
            limit.rlim_cur = 250_000
            try #require(setrlimit(Int32(RLIMIT_FSIZE.rawValue), &limit) == 0)
            try file.append(block)
            try file.append(block)
            let error = #expect(throws: SpillError.self) { try file.append(block) }
            #expect(error?.isOutOfSpace == true)
            #expect(error?.hint?.contains("ulimit -f") == true)
            #expect(try file.all() == [block, block])
            limit.rlim_cur = before
            try #require(setrlimit(Int32(RLIMIT_FSIZE.rawValue), &limit) == 0)
            try file.append(block)
            #expect(try file.all() == [block, block, block])
        }
    }

    @Test func tooManyOpenFilesAreAnError() async {
        await #expect(processExitsWith: .success) {
            let scratch = try Scratch()
            let directory = try scratch.directory()
            var limit = rlimit()
            getrlimit(Int32(RLIMIT_NOFILE.rawValue), &limit)
            limit.rlim_cur = 32
            try #require(setrlimit(Int32(RLIMIT_NOFILE.rawValue), &limit) == 0)
            var files: [SpillFile] = []
            let error = #expect(throws: SpillError.self) {
                for xid in 0..<100 { files.append(try directory.makeFile(xid: UInt32(xid))) }
            }
            #expect(error?.hint?.contains("ulimit -n") == true)
            #expect(error?.isOutOfSpace == false && error?.isCurable == false)
            for file in files { try file.append([1]) }
            #expect(try files.allSatisfy { try $0.all() == [[1]] })
        }
    }
}
