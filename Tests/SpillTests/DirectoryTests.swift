// Which directories are used, which are refused, what is made in them and what is taken out.

import Foundation
import Model
import Testing

@testable import Spill

@Suite struct DirectoryTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func mode(_ path: String) throws -> UInt32 {
        var found = stat()
        try #require(lstat(path, &found) == 0)
        return found.st_mode & 0o7777
    }

    private func refusal(_ name: String) -> SpillError? {
        do {
            _ = try scratch.directory(name)
            return nil
        } catch { return error }
    }

    @Test func everythingIsClosedToOthers() throws {
        let directory = try scratch.directory()
        let file = try directory.makeFile(xid: 7)
        #expect(try mode(scratch.path + "/spill") == 0o700)
        #expect(try mode(file.path) == 0o600)
        #expect(fcntl(file.descriptor, F_GETFD) & FD_CLOEXEC != 0)
        #expect(fcntl(directory.directory.descriptor, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test func anExistingDirectoryOfOursIsUsed() throws {
        _ = try scratch.directory()
        let again = try scratch.directory("spill///")
        #expect(try again.makeFile(xid: 7).path.hasPrefix(scratch.path + "/spill/tandem_m_p_forward."))
    }

    @Test(arguments: [0o777, 0o755, 0o750, 0o705, 0o701, 0o1777] as [mode_t])
    func aDirectoryOpenToOthersIsRefused(mode: mode_t) throws {
        let path = scratch.path + "/open"
        try #require(mkdir(path, 0o700) == 0 && chmod(path, mode) == 0)
        let error = try #require(refusal("open"))
        #expect(error.description.contains(path) && error.description.contains(String(mode, radix: 8)))
        #expect(error.hint?.contains("chmod 700") == true)
        #expect(error.exitCode == .refused)
        #expect(!error.isCorrupt && !error.isCurable)
    }

    @Test(arguments: ["link", "link/", "link//"])
    func aSymbolicLinkIsRefused(name: String) throws {
        _ = try scratch.directory("real")
        try #require(symlink(scratch.path + "/real", scratch.path + "/link") == 0)
        #expect(try #require(refusal(name)).description.contains("symbolic link"))
    }

    @Test func aDanglingLinkIsRefusedAndNothingMade() throws {
        try #require(symlink(scratch.path + "/nowhere", scratch.path + "/link") == 0)
        #expect(try #require(refusal("link")).description.contains("symbolic link"))
        #expect(!FileManager.default.fileExists(atPath: scratch.path + "/nowhere"))
    }

    @Test func aFileIsNoDirectory() throws {
        try Data().write(to: URL(fileURLWithPath: scratch.path + "/file"))
        #expect(try #require(refusal("file")).description.contains("not a directory"))
    }

    @Test func aMissingParentIsNamed() throws {
        let error = try #require(refusal("none/spill"))
        #expect(error.description.contains(scratch.path + "/none/spill"))
        #expect(error.hint?.contains("directory above") == true)
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give a directory away"))
    func aDirectoryOfAnotherUserIsRefused() throws {
        let path = scratch.path + "/theirs"
        try #require(mkdir(path, 0o700) == 0 && chown(path, 12_345, 12_345) == 0)
        let error = try #require(refusal("theirs"))
        #expect(error.description.contains("user 12345"))
        #expect(error.hint?.contains("chown") == true)
    }

    @Test func nothingThatIsThereIsWrittenThrough() throws {
        let directory = try scratch.directory()
        let victim = scratch.path + "/victim"
        try Data("precious".utf8).write(to: URL(fileURLWithPath: victim))
        try #require(symlink(victim, scratch.path + "/spill/planted") == 0)
        try Data("theirs".utf8).write(to: URL(fileURLWithPath: scratch.path + "/spill/file"))
        for name in ["planted", "file"] {
            let error = #expect(throws: SpillError.self) { try directory.makeFile(xid: 7, named: name) }
            #expect(error?.description.contains("/spill/" + name) == true)
            #expect(error?.hint?.contains("Remove what stands") == true)
        }
        #expect(try String(contentsOfFile: victim, encoding: .utf8) == "precious")
        #expect(try scratch.names() == ["file", "planted"])
        #expect(directory.bytesOnDisk == 0)
    }

    @Test func aDirectoryMovedAwayIsStillTheSame() throws {
        let directory = try scratch.directory()
        try FileManager.default.moveItem(atPath: scratch.path + "/spill", toPath: scratch.path + "/moved")
        try #require(symlink("/nonexistent", scratch.path + "/spill") == 0)
        let file = try directory.makeFile(xid: 7)
        try file.append([1, 2, 3])
        #expect(try file.all() == [[1, 2, 3]])
        #expect(try scratch.names(in: "moved").count == 1)
        file.remove()
        #expect(try scratch.names(in: "moved") == [])
    }

    @Test func aDirectoryThatIsGoneIsAnErrorNotATrap() throws {
        let directory = try scratch.directory()
        try FileManager.default.removeItem(atPath: scratch.path + "/spill")
        #expect(throws: SpillError.self) { try directory.makeFile(xid: 7) }
    }

    @Test func fillingUpIsCountedAcrossFiles() throws {
        let directory = try scratch.directory(limit: 3_000)
        var random = SeededRandom(seed: 5)
        let (first, second) = (try directory.makeFile(xid: 7), try directory.makeFile(xid: 8))
        #expect(!directory.isFull)
        try first.append(random.bytes(1_000))
        #expect(!directory.isFull)
        try second.append(random.bytes(2_000))
        #expect(directory.isFull)
        #expect(directory.bytesOnDisk == first.bytesOnDisk + second.bytesOnDisk)
        first.remove()
        #expect(!directory.isFull)
        #expect(directory.bytesOnDisk == second.bytesOnDisk)
    }

    @Test func manyFilesOfOneTransactionMayExist() throws {
        let directory = try scratch.directory()
        let files = try (0..<20).map { _ in try directory.makeFile(xid: 7) }
        #expect(try scratch.names().count == 20)
        for (number, file) in files.enumerated() { try file.append([UInt8(number)]) }
        for (number, file) in files.enumerated() { #expect(try file.all() == [[UInt8(number)]]) }
    }
}
