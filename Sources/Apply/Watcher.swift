// The applying thread of a stream that only watches: takes what the receiver hands over, writes none of it, and says what it
// was: changes by table, and whether applications or other replication made them. What tandem itself wrote never comes as
// far as here. The only row that crosses is tandem's own heartbeat, so that the lag of a watch is as honest as that of a
// stream that applies. Progress and counts are one transaction on the target, at most a few a second however much comes:
// the source is told to forget only what is durable there.
//
// Where applications write both sides, each row they have touched goes into a book, and progress is recorded no further than
// to where none of them is open: what a crash forgets is sent again.

package import Assembly
internal import Bytes
internal import Failpoints
internal import Model
internal import PGOutput
internal import Postgres
internal import State
package import Telemetry
package import Threading

package final class Watcher {
    private let setup: ApplySetup
    private let side: TargetSide
    private let queue: BoundedQueue<Delivery>
    private var intake: Intake
    private let progress: ApplyProgress
    private let stop: StopSignal
    private let twins: TwinBook?
    private let touches: TouchReader

    private struct Tally {
        var byApplications = 0
        var byReplication = 0
        var truncated = false
        var last = LSN.zero

        mutating func add(_ later: Tally) {
            byApplications += later.byApplications
            byReplication += later.byReplication
            truncated = truncated || later.truncated
            last = max(last, later.last)
        }
    }

    /// What was seen up to a position, and waits until what was touched there is settled.
    private struct Seen {
        var mark = 0
        var end = LSN.zero
        var tallies: [QualifiedName: Tally] = [:]
        var transactions = 0
        var changes = 0
        var beat: WatchedBeat?
        var marks: [Sentinel: WatchedBeat] = [:]
        var committedAt: Int64?
    }

    private var waiting: [Seen] = []

    private var tallies: [QualifiedName: Tally] = [:]
    private var transactions = 0
    private var changes = 0
    private var beat: WatchedBeat?
    private var marks: [Sentinel: WatchedBeat] = [:]
    private var halt: Sentinel?
    /// The last whole transaction that was looked at, and not recorded yet.
    private var seen: CommitMessage?
    private var recordedAt = Monotonic.now
    private var rows = RowPair()

    package init(
        _ setup: ApplySetup, queue: BoundedQueue<Delivery>, progress: ApplyProgress, twins: TwinBook? = nil,
        stop: StopSignal, log: Log
    ) throws {
        self.twins = twins
        self.setup = setup
        self.queue = queue
        self.progress = progress
        self.stop = stop
        intake = Intake(queue)
        let connection = try Connection(to: setup.target, for: .apply, as: setup.applicationName("watch"), stop: stop)
        side = TargetSide(connection, setup.stream)
        touches = TouchReader(side)
        try side.installWatched()
        try side.attachOrigin()
        // With the origin in hand nobody else can move it.
        guard try side.progress(durable: false) == progress.applied else {
            throw ProgressMoved(target: setup.stream.target)
        }
    }

    /// Until the input has ended and everything is recorded, or something throws.
    package func run() throws {
        while true {
            while halt == nil, let transaction = intake.peek() {
                try look(at: transaction)
                intake.advance()
                if changes >= Self.most || halt != nil || twins?.isFull ?? false { break }
            }
            if isDue { try record() }
            // Not before everything up to the mark has settled and is recorded.
            if let halt, seen == nil, waiting.isEmpty {
                try wait(at: halt)
                continue
            }
            if halt == nil, intake.hasEnded, intake.peek() == nil {
                try record()
                if waiting.isEmpty { return }
            }
            guard !stop.isRaised else {
                throw PostgresError(.interrupted, "stopped on request", doing: "watching")
            }
            let pause = halt == nil ? Self.pause : Self.pauseAtMark
            let until = Monotonic.now.adding(seconds: seen == nil && waiting.isEmpty ? 1 : pause)
            // With as many rows open as may be, or a mark that has not settled, what has come must wait.
            let isFull = halt != nil || twins?.isFull ?? false
            Poll.wait(
                for: [.readable(stop.descriptor)] + (isFull ? [] : [.readable(queue.filled.descriptor)]), until: until)
        }
    }

    /// It is recorded, and nothing behind it is looked at before somebody knows what became of the step.
    private func wait(at sentinel: Sentinel) throws {
        halt = nil
        Failpoint.pass(.atSentinel)
        progress.goesOn.lower()
        progress.halted(at: sentinel)
        while progress.halt != nil {
            guard !stop.isRaised else { throw PostgresError(.interrupted, "stopped on request", doing: "watching") }
            Poll.wait(
                for: [.readable(stop.descriptor), .readable(progress.goesOn.descriptor)],
                until: Monotonic.now.adding(seconds: 1))
        }
    }

    /// So many changes are recorded without waiting for more.
    private static let most = 100_000
    private static let pause = 0.25
    private static let pauseAtMark = 0.01

    private var isDue: Bool {
        if beat != nil || !marks.isEmpty || changes >= Self.most { return true }
        if seen != nil || !waiting.isEmpty {
            return recordedAt.age >= (halt == nil ? Self.pause : Self.pauseAtMark)
        }
        let ahead = intake.quiet.bytes(since: progress.applied)
        return ahead > 16 << 20 || (ahead > 0 && recordedAt.age > 10)
    }

    // MARK: looking

    private struct Whose {
        let isForeign: Bool
        let writer: Int
    }

    private func look(at transaction: Transaction) throws {
        let whose = Whose(isForeign: transaction.origin != nil, writer: transaction.writer)
        switch transaction.content {
        case .slice(let page, let from, let count):
            try look(
                at: UnsafeRawBufferPointer(start: page.base + from, count: count), without: [], whose,
                transaction.commit.end)
        case .buffer(let buffer):
            let scratch = ByteBuffer()
            for index in 0..<buffer.pieces {
                try look(
                    at: buffer.piece(index, scratch: scratch), without: buffer.rolledBack, whose,
                    transaction.commit.end)
            }
            buffer.discard()
        }
        seen = transaction.commit
        transactions += 1
    }

    private func look(
        at records: UnsafeRawBufferPointer, without rolledBack: Set<UInt32>, _ whose: Whose, _ end: LSN
    ) throws {
        var cursor = ByteCursor(records)
        while let record = try ChangeRecord.next(&cursor) {
            if rolledBack.contains(record.subtransaction) { continue }
            let shapes = record.kind == .truncate ? try TruncateRecord(record.rows).shapes : [record.shape]
            for number in shapes {
                guard let shape = setup.book[number] else { continue }
                try note(record, shape, whose, end)
            }
        }
    }

    private func note(_ record: ChangeRecord, _ shape: RelationShape, _ whose: Whose, _ end: LSN) throws {
        if shape.name == Heartbeat.table {
            try rows.read(record.rows)
            guard record.kind != .delete, let found = Heartbeat.beat(rows.new, shape) else { return }
            if found.key == setup.stream.description { beat = found.beat }
            if let kind = Sentinel.kind(ofKey: found.key, setup.stream) {
                let sentinel = Sentinel(kind, found.beat.number)
                marks[sentinel] = found.beat
                if kind == .halt { halt = sentinel }
            }
            return
        }
        changes += 1
        var tally = tallies[shape.name] ?? Tally()
        if whose.isForeign { tally.byReplication += 1 } else { tally.byApplications += 1 }
        if record.kind == .truncate {
            tally.truncated = true
            twins?.touch(whole: shape.name)
        }
        if let twins, record.kind != .truncate {
            try rows.read(record.rows)
            let touched = try touches.touched(record, shape, rows)
            for row in touched { twins.touch(row, isForeign: whose.isForeign, by: whose.writer) }
            // Nobody can say which rows to look at: the whole table has to be compared.
            if touched.isEmpty { tally.truncated = true }
        }
        tally.last = end
        tallies[shape.name] = tally
    }

    // MARK: recording

    private func record() throws {
        recordedAt = Monotonic.now
        // A mark is recorded at its own end, whatever is known to be quiet behind it.
        let quiet = halt == nil && intake.peek() == nil ? intake.quiet : .zero
        let end = max(seen?.end ?? .zero, quiet)
        if end > max(progress.applied, waiting.last?.end ?? .zero) {
            waiting.append(
                Seen(
                    mark: twins?.closeMark() ?? 0, end: end, tallies: tallies, transactions: transactions,
                    changes: changes, beat: beat, marks: marks,
                    committedAt: quiet > (seen?.end ?? .zero) ? nil : seen?.time.microseconds))
            (tallies, transactions, changes, beat, seen) = ([:], 0, 0, nil, nil)
            marks = [:]
        }
        let settled = twins?.settledThrough ?? .max
        let over = waiting.prefix { $0.mark <= settled }
        guard let last = over.last else { return }
        try write(Array(over), through: last)
        waiting.removeFirst(over.count)
    }

    private func write(_ over: [Seen], through last: Seen) throws {
        var sum: [QualifiedName: Tally] = [:]
        for seen in over {
            sum.merge(seen.tallies) { earlier, later in
                var both = earlier
                both.add(later)
                return both
            }
        }
        let tables = sum.map { name, tally in
            WatchedTable(
                table: name, byApplications: tally.byApplications, byReplication: tally.byReplication,
                truncated: tally.truncated, last: tally.last)
        }.sorted { $0.table < $1.table }
        let beat = over.last { $0.beat != nil }?.beat
        let marks = over.reduce(into: [Sentinel: WatchedBeat]()) { $0.merge($1.marks) { $1 } }
        try side.recordWatched(tables, beat: beat, marks: marks, through: last.end, committedAt: last.committedAt)
        progress.committed(
            through: last.end, transactions: over.reduce(0) { $0 + $1.transactions },
            changes: over.reduce(0) { $0 + $1.changes })
        if let beat { progress.visible(beat: beat.number) }
        _ = progress.clearProblem()
    }
}
