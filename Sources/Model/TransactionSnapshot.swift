// Which transactions a snapshot of the source shows: PostgreSQL's own `xmin:xmax:xip,xip,…`. The stream names transactions
// by the low half of their number, so that half is laid beside the snapshot's whole ones. Pure.

package struct TransactionSnapshot: Sendable, Hashable, CustomStringConvertible {
    /// Everything before is over.
    package let xmin: UInt64
    /// Nothing from here on had begun to write.
    package let xmax: UInt64
    /// What was open between them.
    package let open: Set<UInt64>

    package init(xmin: UInt64, xmax: UInt64, open: Set<UInt64> = []) {
        self.xmin = xmin
        self.xmax = xmax
        self.open = open
    }

    /// What `pg_current_snapshot()` gives. A slot's snapshot ends behind the last commit, and may begin behind that: at the
    /// oldest that is open, when whoever came between was rolled back. Then it shows what is before its beginning.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let xmin = UInt64(parts[0]), let end = UInt64(parts[1]) else { return nil }
        let xmax = max(xmin, end)
        let listed = parts[2].split(separator: ",")
        let open = Set(listed.compactMap { UInt64($0) })
        guard open.count == listed.count, open.allSatisfy({ $0 >= xmin && $0 < xmax }) else { return nil }
        self.init(xmin: xmin, xmax: xmax, open: open)
    }

    package var description: String { "\(xmin):\(xmax):" + open.sorted().map { "\($0)" }.joined(separator: ",") }

    /// Whether what a committed transaction wrote is in this snapshot.
    package func sees(_ transaction: UInt32) -> Bool {
        let whole = whole(transaction)
        return whole < xmin || (whole < xmax && !open.contains(whole))
    }

    /// Whether this one shows everything that the other does.
    package func covers(_ other: TransactionSnapshot) -> Bool {
        guard xmax >= other.xmax else { return false }
        return open.allSatisfy { $0 >= other.xmax || other.open.contains($0) }
    }

    /// The number of which these are the low 32 bits: the one nearest to this snapshot, as the server itself compares.
    private func whole(_ transaction: UInt32) -> UInt64 {
        let near = (xmax & ~0xffff_ffff) | UInt64(transaction)
        let half: UInt64 = 1 << 31
        if near >= xmax + half, near >= 1 << 32 { return near - (1 << 32) }
        if near + half < xmax { return near + (1 << 32) }
        return near
    }
}
