// Compares one table: cut into ranges of its key, or page by page where the key's order is not the same on both servers or
// there is none, each part hashed on both sides at once in buckets; what is in buckets that differ is listed and settled.
// On the caller's thread; the desks' threads talk to the servers.

internal import Model
internal import Postgres
internal import Threading

final class TableComparison {
    let table: ComparedTable
    let desks: BothDesks
    let reads: SettlingReads
    let settings: ComparisonSettings
    let stop: StopSignal
    private let progress: (ComparisonProgress) -> Void
    private let checkpoint: (Checkpoint) -> Void

    var report: TableReport
    /// Keys of rows that did not agree and are not settled yet.
    var suspects: [[String]] = []
    let statements: PerSide<ReadStatements>

    /// From where a comparison that was cut off goes on.
    struct Checkpoint: Sendable {
        let from: [String]
        let old: TableDigest
        let new: TableDigest
        let suspects: [[String]]
    }

    init(
        _ table: ComparedTable, _ desks: BothDesks, _ manner: SettlingReads.Manner, _ settings: ComparisonSettings,
        stop: StopSignal, progress: @escaping (ComparisonProgress) -> Void = { _ in },
        checkpoint: @escaping (Checkpoint) -> Void = { _ in }
    ) {
        self.table = table
        self.desks = desks
        self.settings = settings
        self.stop = stop
        self.progress = progress
        self.checkpoint = checkpoint
        statements = PerSide(
            old: ReadStatements(table: table, side: .old), new: ReadStatements(table: table, side: .new))
        reads = SettlingReads(statements: statements, manner: manner)
        report = TableReport(table: table.old, key: table.key)
    }

    func run(from start: Checkpoint? = nil) throws -> TableReport {
        let begun = Monotonic.now
        // Before the first row is read: all that was there then is in what is compared.
        (report.oldPosition, report.newPosition) = try positions()
        if let start {
            report.add(old: start.old, new: start.new)
            suspects = start.suspects
        }
        if table.ordered.isEmpty { try byPages() } else { try byRanges(from: start?.from) }
        try settle()
        report.seconds = begun.age
        return report
    }

    private func positions() throws -> (LSN, LSN) {
        let both = try desks.both { _, connection in
            let row = try connection.query(
                "SELECT pg_catalog.pg_current_wal_insert_lsn()", doing: "reading the position of \(connection.label)")
            return LSN(row.string(0, 0)) ?? .zero
        }
        return (both.old, both.new)
    }

    // MARK: in ranges of the key

    private struct Flight {
        let range: KeyRange
        let old: SideDesk.Pending<Timed<Tally>>
        let new: SideDesk.Pending<Timed<Tally>>
    }

    private struct Timed<Value: Sendable>: Sendable {
        let value: Value
        let seconds: Double
    }

    private static let buckets = 256

    private func byRanges(from start: [String]?) throws {
        var walk = RangeWalk(bounds: try bounds(from: start), from: start, wanted: settings.seconds)
        var flying: [Flight] = []
        while true {
            // The next range is on its way to the servers before the last one is looked at: neither waits for the other.
            if flying.count < 2, let range = walk.take() {
                flying.append(fly(range))
                continue
            }
            guard !flying.isEmpty else { return }
            let seconds = try land(flying.removeFirst())
            walk.took(seconds)
            progress(ComparisonProgress(share: walk.share, rows: report.old.rows, expected: table.sides.old.rows))
            try rest(after: seconds, bytes: Double(table.sides.old.pages) * 8192 * walk.shareOfLast)
        }
    }

    private func fly(_ range: KeyRange) -> Flight {
        func tally(_ side: Side) -> SideDesk.Pending<Timed<Tally>> {
            let statements = statements[side]
            return desks[side].begin { connection in
                let begun = Monotonic.now
                let statement = statements.tally(range, buckets: Self.buckets)
                return Timed(value: try statements.read(tally: statement, connection), seconds: begun.age)
            }
        }
        return Flight(range: range, old: tally(.old), new: tally(.new))
    }

    private func land(_ flight: Flight) throws -> Double {
        let (left, right) = (Swift.Result { try flight.old.wait() }, Swift.Result { try flight.new.wait() })
        let (old, new) = (try left.get(), try right.get())
        report.add(old: old.value.total, new: new.value.total)
        let range = flight.range
        try look(into: old.value, new.value) { statements, wanted, connection in
            try statements.read(list: statements.list(range, buckets: Self.buckets, wanted), connection)
        }
        if suspects.count > 2000 { try settle() }
        if let end = range.to {
            let known = suspects + report.differences.map(\.key) + report.unsettled
            checkpoint(Checkpoint(from: end, old: report.old, new: report.new, suspects: known))
        }
        return max(old.seconds, new.seconds)
    }

    private func bounds(from start: [String]?) throws -> [[String]] {
        let pages = table.sides.old.pages
        guard pages > 500 else { return [] }
        let percent = min(100, 100 * 2000 / Double(pages))
        // About 16 MB each, but no more than can be kept.
        let cuts = max(16, min(4096, pages / 256))
        let statements = statements.old
        return try desks.old.ask { connection in
            try statements.read(
                sample: statements.sample(percent: percent, cuts: cuts, from: start), connection)
        }
    }

    // MARK: what differs

    /// Lists the rows of those buckets that differ, and remembers which do not agree.
    func look(
        into old: Tally, _ new: Tally,
        list: @escaping @Sendable (ReadStatements, [Int], Connection) throws -> [ListedRow]
    ) throws {
        var differing = old.differing(from: new)
        while !differing.isEmpty {
            guard suspects.count + report.differences.count < settings.most else {
                report.hasMore = true
                return
            }
            // As many buckets as fit in memory.
            var (group, rows): ([Int], Int) = ([], 0)
            while let bucket = differing.first, group.isEmpty || rows < 100_000 {
                group.append(bucket)
                rows += max(old.rows(in: [bucket]), new.rows(in: [bucket]))
                differing.removeFirst()
            }
            let wanted = group
            let statements = statements
            let listed = try desks.both { side, connection in try list(statements[side], wanted, connection) }
            suspects += Self.disagreeing(listed.old, listed.new)
        }
    }

    private static func disagreeing(_ old: [ListedRow], _ new: [ListedRow]) -> [[String]] {
        var hashes: [[String]: (old: [Int64], new: [Int64])] = [:]
        for row in old { hashes[row.key, default: ([], [])].old.append(row.hash) }
        for row in new { hashes[row.key, default: ([], [])].new.append(row.hash) }
        return hashes.filter { $0.value.old.sorted() != $0.value.new.sorted() }.map(\.key)
    }

    // MARK: gently

    func rest(after seconds: Double, bytes: Double) throws {
        settings.rest(after: seconds, bytes: bytes, stop)
        guard !stop.isRaised else {
            throw PostgresError(.interrupted, "stopped on request", doing: "comparing \(table.old)")
        }
    }
}
