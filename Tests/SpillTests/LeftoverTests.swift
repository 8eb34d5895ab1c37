// What a start takes away: the files of this stream, whoever left them, and nothing else.

import Foundation
import Testing

@testable import Spill

@Suite struct LeftoverTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func leave(_ names: [String]) throws {
        for name in names {
            try Data("left".utf8).write(to: URL(fileURLWithPath: scratch.path + "/spill/" + name))
        }
    }

    @Test func onlyFilesOfTheSameStreamGo() throws {
        let ours = ["a.1.2.3.spill", "a.999999.1.4294967295.spill"]
        let others = [
            "a", "a.spill", "a.1.2.3", "a.1.2.3.spill.old", "a.1.2.x.spill", "a.1..3.spill", "a.b.1.2.3.spill",
            "ab.1.2.3.spill", "b.1.2.3.spill", "A.1.2.3.spill", "%61.1.2.3.spill", ".1.2.3.spill", "notes.txt",
        ]
        _ = try scratch.directory(owner: "a")
        try leave(ours + others)
        _ = try scratch.directory(owner: "a")
        #expect(try scratch.names() == others.sorted())
    }

    @Test func aLivingFileOfAnotherStreamStays() throws {
        let other = try scratch.directory(owner: "ab").makeFile(xid: 7)
        try other.append([1, 2, 3])
        _ = try scratch.directory(owner: "a")
        _ = try scratch.directory(owner: "abc")
        #expect(try scratch.names().count == 1)
        #expect(try other.all() == [[1, 2, 3]])
    }

    /// A stream that starts again within its process may meet files it has not let go of yet.
    @Test func aFileStillHeldStaysReadableAndHarmsNoNewOne() throws {
        let old = try scratch.directory().makeFile(xid: 7)
        try old.append([1])
        let restarted = try scratch.directory()
        #expect(try scratch.names() == [])
        let new = try restarted.makeFile(xid: 7)
        try new.append([2])
        #expect(try old.all() == [[1]])
        old.remove()
        #expect(try scratch.names().count == 1)
        #expect(try new.all() == [[2]])
    }

    @Test func aLinkGoesAndWhatItPointsToStays() throws {
        let victim = scratch.path + "/victim"
        try Data("precious".utf8).write(to: URL(fileURLWithPath: victim))
        let directory = try scratch.directory(owner: "a")
        try #require(symlink(victim, scratch.path + "/spill/a.1.2.3.spill") == 0)
        try directory.removeLeftovers()
        #expect(try scratch.names() == [])
        #expect(FileManager.default.fileExists(atPath: victim))
    }

    @Test func whatCannotBeRemovedIsNamed() throws {
        let directory = try scratch.directory(owner: "a")
        try #require(mkdir(scratch.path + "/spill/a.1.2.3.spill", 0o700) == 0)
        let error = #expect(throws: SpillError.self) { try directory.removeLeftovers() }
        #expect(error?.path == scratch.path + "/spill/a.1.2.3.spill")
    }

    @Test(arguments: ["../../x", "a/b", "..", "", "a.b", "a%b", "é\n", "\u{0}", "tandem_m_p-1_forward"])
    func noOwnerLeavesItsDirectory(owner: String) throws {
        let file = try scratch.directory(owner: owner).makeFile(xid: .max)
        let names = try scratch.names()
        #expect(names.count == 1 && file.path == scratch.path + "/spill/" + names[0])
        #expect(names[0].utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "/") })
        #expect(SpillFileName(owner: owner).matches(names[0]))
    }

    @Test func noTwoOwnersShareAName() {
        let owners = ["a", "A", "a.b", "a%2eb", "a%b", "é", "e\u{301}", "a/b", "a_b", "a-b", "a b", ""]
        #expect(Set(owners.map { SpillFileName(owner: $0).owner }).count == owners.count)
    }
}
