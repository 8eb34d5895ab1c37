// Where one stream spills: its directory, its names, and how much of the disk it uses. What an earlier run left is
// thrown away on start, never read: the server sends those transactions again. Any thread may use it.

internal import Synchronization

package final class SpillDirectory: Sendable {
    let directory: PrivateDirectory
    let systemIdentifier: UInt64
    let slot: String
    private let limit: Int
    private let naming: SpillFileName
    private let used = Atomic<Int>(0)

    package init(path: String, limit: Int, owner: String, systemIdentifier: UInt64, slot: String) throws(SpillError) {
        directory = try PrivateDirectory(path: path)
        naming = SpillFileName(owner: owner)
        self.limit = limit
        self.systemIdentifier = systemIdentifier
        self.slot = slot
        try removeLeftovers()
    }

    /// What the files of this stream take, all of them together.
    package var bytesOnDisk: Int { used.load(ordering: .relaxed) }

    package var isFull: Bool { bytesOnDisk >= limit }

    package func makeFile(xid: UInt32) throws(SpillError) -> SpillFile {
        try makeFile(xid: xid, named: naming.next(xid: xid))
    }

    func makeFile(xid: UInt32, named name: String) throws(SpillError) -> SpillFile {
        try SpillFile(in: self, named: name, xid: xid)
    }

    /// Removes this stream's files. Those still open stay readable to whoever holds them.
    package func removeLeftovers() throws(SpillError) {
        for name in try directory.names() where naming.matches(name) {
            try directory.unlink(name)
        }
    }

    func count(bytes: Int) { used.add(bytes, ordering: .relaxed) }
}
