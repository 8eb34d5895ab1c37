// Beside a stream that watches, where applications write both sides: what it has seen touched settles, is compared, and what is
// not the same on the side that may be wrong is written again. On a thread and connections of its own.
//
//     touched ─▶ whoever wrote then has ended ─▶ compare ─▶ same: done
//        ▲                                          │ differs: once the applying stream has come so far, compare again
//        └────────────── write again ◀──────────────┘ still differs
//
// Nothing is done with because it was written: only because it was found the same. What goes wrong ends the session, and the
// log is read again from where it was acknowledged.

internal import Apply
internal import Failpoints
internal import Fence
internal import Model
internal import Postgres
internal import Protocol
internal import State
internal import Telemetry
internal import Threading
internal import Verification

final class TwinRepair {
    private let plan: StreamPlan
    /// From the side in charge to the other one.
    private let repairing: StreamPlan
    /// Nothing applies there, and users read: rows are locked.
    private let locks: Bool
    private let book: TwinBook
    private let census: CensusBook?
    private let stop: StopSignal
    private let log: Log

    /// What was in flight when a mark was first seen closed, as far as it still is.
    private struct Capture {
        let mark: Int
        var open: PerSide<Set<String>>
        var isOver: Bool { open.old.isEmpty && open.new.isEmpty }
    }

    private var captures: [Capture] = []
    private var settled = 0
    private var captured = 0
    /// Rows that the side in charge lacks: in which version they were seen, and whom that waits for.
    private var absences: [TouchedRow: (version: String, open: PerSide<Set<String>>)] = [:]
    private var counts: [QualifiedName: [Int: TwinCounts]] = [:]
    private var said: [QualifiedName: String] = [:]
    private var countedAt = Monotonic.now

    init?(
        _ plan: StreamPlan, _ row: StepRow, _ book: TwinBook, _ census: CensusBook?, stop: StopSignal, log: Log
    ) {
        guard let repaired = row.repaired else { return nil }
        self.plan = plan
        repairing = plan.stream.target == repaired ? plan : plan.opposite
        locks = row.repairLocks
        (self.book, self.census, self.stop, self.log) = (book, census, stop, log)
    }

    func run() throws {
        let names = FenceNames(plan.stream)
        let desk = try TwinDesk(
            truth: repairing.source, wrong: repairing.target, stream: repairing.stream, watch: plan.stream,
            fence: TwinDesk.Fence(gate: names.gateSQL, lock: names.lockKey), stop: stop)
        defer { desk.close() }
        let ledger = TargetSide(
            try Connection(to: plan.target, for: .control, as: "\(plan.stream) twins", stop: stop), plan.stream)
        try ledger.installTwins()
        while !stop.isRaised {
            let worked = try patiently { try round(desk) }
            if countedAt.age > 1 { try count(ledger) }
            stop.wait(seconds: worked ? 0.01 : 0.05)
        }
        try? count(ledger)
    }

    /// Somebody had a lock first: nothing was done, and it is tried again.
    private func patiently(_ body: () throws -> Bool) throws -> Bool {
        do { return try body() } catch let error as PostgresError where Self.isAboutLocks(error.sqlState?.code) {
            stop.wait(seconds: 0.2)
            return false
        }
    }

    private static func isAboutLocks(_ state: String?) -> Bool { state == "55P03" || state == "40P01" }

    private static let most = 2000

    /// Whether there was anything to do.
    private func round(_ desk: TwinDesk) throws -> Bool {
        guard book.count > 0 else {
            absences = [:]
            return false
        }
        for (table, mark) in book.wholeTables {
            try desk.voidComparison(of: table)
            book.tell(table, through: mark)
        }
        try settleMarks(desk)
        let positions = try desk.positions()
        let due = book.open(
            through: settled, passed: locks ? LSN(.max) : positions.applied, most: Self.most)
        guard !due.isEmpty else { return false }
        for (table, rows) in Dictionary(grouping: due, by: \.row.table) {
            for (columns, some) in Dictionary(grouping: rows, by: \.row.columns) {
                try look(desk, table, columns, some)
            }
        }
        return true
    }

    /// Whoever was writing when a mark was closed has ended, or is waited for.
    private func settleMarks(_ desk: TwinDesk) throws {
        let closed = book.lastClosed
        let now = try desk.inFlight()
        for place in captures.indices {
            captures[place].open.old.formIntersection(now.old)
            captures[place].open.new.formIntersection(now.new)
        }
        for row in absences.keys {
            absences[row]?.open.old.formIntersection(now.old)
            absences[row]?.open.new.formIntersection(now.new)
        }
        if closed > captured {
            captures.append(Capture(mark: closed, open: now))
            captured = closed
        }
        while let first = captures.first, first.isOver {
            settled = first.mark
            captures.removeFirst()
        }
    }

    // MARK: looking

    private func look(
        _ desk: TwinDesk, _ table: QualifiedName, _ columns: [String],
        _ rows: [(row: TouchedRow, touch: TwinBook.Touch)]
    ) throws {
        guard let readings = try desk.compare(table, by: columns, rows.map(\.row.key)) else {
            return giveUp(table, rows.map(\.row))
        }
        // Read after the rows: whatever made them so is in the log before it.
        let written = locks ? LSN.zero : try desk.positions().written
        var wrong: [TouchedRow] = []
        for (row, touch) in rows {
            guard let reading = readings[row.key] else { continue }
            if reading.standing == .same {
                absences[row] = nil
                if let touch = book.settle(row, through: settled) { note(row, touch) }
                continue
            }
            // Seen different once may be the stream that lags; seen so again when it has passed is not.
            if !locks && touch.after == .zero {
                book.note(row) {
                    $0.looks += 1
                    $0.after = written
                }
                continue
            }
            book.note(row) {
                $0.looks += 1
                $0.wasOrphan = $0.wasOrphan || reading.standing == .orphan
                $0.after = .zero
            }
            if locks && reading.standing == .orphan {
                try removeAbsent(desk, row, reading)
            } else {
                wrong.append(row)
            }
        }
        // What was written is compared again in the next round.
        try repair(desk, table, columns, wrong)
    }

    private func repair(_ desk: TwinDesk, _ table: QualifiedName, _ columns: [String], _ rows: [TouchedRow]) throws {
        guard !rows.isEmpty else { return }
        let keys = rows.map(\.key)
        let (failures, same) =
            locks
            ? try desk.repairLocking(table, by: columns, keys) : (try desk.repair(table, by: columns, keys), [])
        Failpoint.pass(.afterTwinRepair)
        for row in rows {
            if same.contains(row.key) {
                // Found the same while neither could move: a row that is counted up all the time is hardly ever found so otherwise.
                if let touch = book.settle(row, through: settled) { note(row, touch) }
            } else {
                book.note(row) { $0.writes += 1 }
            }
        }
        let lasting = failures.filter { !$0.hasSuffix("[55P03]") && !$0.hasSuffix("[40P01]") }
        say(lasting.first, table, lasting.count)
    }

    /// Somebody may be about to commit the row on the side in charge, where an uncommitted one cannot be seen.
    private func removeAbsent(_ desk: TwinDesk, _ row: TouchedRow, _ reading: TwinDesk.Reading) throws {
        guard let version = reading.version else { return }
        guard let noted = absences[row], noted.version == version else {
            absences[row] = (version, try desk.inFlight())
            return
        }
        guard noted.open.old.isEmpty, noted.open.new.isEmpty else { return }
        absences[row] = nil
        if try desk.delete(row.table, by: row.columns, row.key, version: version) {
            book.note(row) { $0.writes += 1 }
        }
    }

    // MARK: telling

    private func note(_ row: TouchedRow, _ touch: TwinBook.Touch) {
        var counts = counts[row.table]?[touch.writer] ?? TwinCounts()
        if touch.isForeign { counts.foreign += 1 }
        if touch.looks == 0 {
            counts.matched += 1
        } else if touch.writes == 0 {
            counts.late += 1
        } else if touch.wasOrphan {
            counts.orphan += 1
        } else {
            counts.failed += 1
        }
        counts.repaired += touch.writes
        self.counts[row.table, default: [:]][touch.writer] = counts
    }

    private func giveUp(_ table: QualifiedName, _ rows: [TouchedRow]) {
        say("its rows cannot be told apart on both sides by the key they came with", table, rows.count)
        for row in rows { book.giveUp(row) }
    }

    /// The same about one table once.
    private func say(_ problem: String?, _ table: QualifiedName, _ count: Int) {
        guard let problem, said[table] != problem else { return }
        said[table] = problem
        log.warning("not repaired", [.relation: table, .count: count, .reason: problem])
    }

    private func count(_ ledger: TargetSide) throws {
        countedAt = Monotonic.now
        for (table, writers) in self.counts.sorted(by: { $0.key < $1.key }) {
            for (number, counts) in writers.sorted(by: { $0.key < $1.key }) {
                try ledger.add(counts, of: table, by: census?.application(number) ?? "")
            }
            let (failed, orphans) = writers.values.reduce((0, 0)) { ($0.0 + $1.failed, $0.1 + $1.orphan) }
            if failed + orphans > 0 {
                log.info(
                    "twins repaired",
                    [.relation: table, .count: failed + orphans, .detail: "\(orphans) orphans"])
            }
        }
        counts = [:]
    }
}
