// What replication may use up before it holds back or gives way.

package enum OnWALHeld: String, Hashable, Sendable, CaseIterable {
    /// Keep the slot, whatever it holds on the source.
    case keep
    /// Drop the slot and say so, to save the source's disk.
    case drop
}

package struct Limits: Hashable, Sendable {
    /// Bytes of changes kept in memory.
    package let memory: Int
    /// Bytes of spill files on disk.
    package let spill: Int
    /// Bytes of write-ahead log that a slot may hold back on its source.
    package let walHeld: Int
    package let onWALHeld: OnWALHeld
    /// Bytes a second that the copy takes from the source; 0 when it may take what it can.
    package let copyRate: Int
    /// Seconds that the copy may hold one snapshot on the source.
    package let snapshot: Double
    /// Seconds for which writers may be held while the sides change places.
    package let pause: Double

    package init(
        memory: Int = 256 << 20, spill: Int = 50 << 30, walHeld: Int = 20 << 30, onWALHeld: OnWALHeld = .keep,
        copyRate: Int = 0, snapshot: Double = 30 * 60, pause: Double = 2
    ) {
        self.pause = pause
        self.memory = memory
        self.spill = spill
        self.walHeld = walHeld
        self.onWALHeld = onWALHeld
        self.copyRate = copyRate
        self.snapshot = snapshot
    }
}

enum LimitKey: String, CaseIterable {
    case memory, spill, snapshot, pause
    case walHeld = "wal_held"
    case onWALHeld = "on_wal_held"
    case copyRate = "copy_rate"
}

extension Field {
    func limits() throws(ConfigurationError) -> Limits {
        let section = try Section<LimitKey>(self)
        let usual = Limits()
        return Limits(
            memory: try section.optional(.memory)?.size() ?? usual.memory,
            spill: try section.optional(.spill)?.size() ?? usual.spill,
            walHeld: try section.optional(.walHeld)?.size() ?? usual.walHeld,
            onWALHeld: try section.optional(.onWALHeld)?.choice() ?? usual.onWALHeld,
            copyRate: try section.optional(.copyRate)?.sizeOrNone() ?? usual.copyRate,
            snapshot: try section.optional(.snapshot)?.seconds() ?? usual.snapshot,
            pause: try section.optional(.pause)?.seconds() ?? usual.pause)
    }
}
