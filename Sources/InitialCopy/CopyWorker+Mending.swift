// Rows that have changed while others of their table were read: taken out by their keys, which the stream has noted, and read
// again in a newer snapshot, until new holds what one snapshot shows. Then the stream goes on with the table from there.
//
// The order is what makes it exact. Notes are counted first, then the snapshot is taken: a note is only made of what can be
// seen on the source, so the snapshot shows it. Removing, reading and forgetting the notes is one transaction on new.

internal import Apply
internal import Failpoints
internal import Model
internal import Postgres
internal import State
internal import Telemetry
internal import Threading

extension CopyWorker {
    /// More are read again before the stream has to wait for the last ones.
    private static let few = 2000
    private static let longest = 10.0

    /// Parts that were read in several snapshots may hold a row twice: not once everything that the last one shows is noted.
    func mendBeforeIndexes(_ record: CopiedTable, _ statements: CopyStatements, _ key: CopyKey) throws {
        guard record.snapshots > 1 || (board.entry(record.oid)?.failures ?? 0) > 0 else { return }
        try wait(record.oid, for: record.seen)
        board.change(record.oid) { $0.waitsFor = nil }
        try mend(record.oid, statements, key)
    }

    /// Other tables first, until the stream has come so far.
    private func wait(_ oid: UInt32, for position: LSN) throws {
        guard gate.passed < position else { return }
        board.change(oid) { $0.waitsFor = position }
        throw NotYet(description: "the stream has not come as far as rows that were read")
    }

    /// One round in a snapshot of its own.
    private func mend(_ oid: UInt32, _ statements: CopyStatements, _ key: CopyKey) throws {
        guard let keys = try target().touched(oid, by: key.columns) else { return }
        let sight = try look(oid, statements)
        try mend(keys, sight.leaf, statements, key)
        try source().connection.script("COMMIT", doing: "letting go of a snapshot")
    }

    private func look(_ oid: UInt32, _ statements: CopyStatements) throws -> Sight {
        guard let base = base(oid), let sight = try look(oid), sight.leaf.form == base.form else {
            throw Changed(table: statements.destination, what: "was rewritten, altered or dropped on old")
        }
        return sight
    }

    /// In the snapshot that the source's connection holds.
    private func mend(
        _ keys: TouchedKeys, _ leaf: SourceLeaf, _ statements: CopyStatements, _ key: CopyKey
    ) throws {
        if keys.isUnknown { throw Changed(table: leaf.name, what: "was truncated, or its key altered, on old") }
        let side = try target()
        let doing = "reading rows of \(leaf.name) again that have changed"
        try side.connection.script("BEGIN", doing: doing)
        guard try side.claim(leaf.oid, exclusively: true, runner: context.runner)?.state == .copied else {
            throw lost(leaf.oid)
        }
        do {
            try side.remove(keys, of: leaf.oid, from: statements.destinationSQL, where: key.matchesOnTarget)
            try side.eachKey(keys, of: leaf.oid, parts: key.columns.count) { values in
                let pipe = RowPipe(
                    source: try source().connection, target: side.connection, buffer: context.settings.buffer,
                    widest: context.settings.widest, rate: context.rate, stop: signal, passed: { _, _ in })
                _ = try pipe.run(statements.read(again: values, of: key), to: statements.write, doing: doing)
            }
            try side.forget(keys, of: leaf.oid)
            Failpoint.pass(.duringMending)
            try side.connection.script("COMMIT", doing: doing)
        } catch let error as PostgresError where error.isSharedKey {
            // A value went from one row to another, and the stream has not brought the first one's part in it yet.
            throw NotYet(description: "\(leaf.name): a value of one row is another's by now")
        }
        context.log.debug("read again", [.relation: leaf.name, .count: keys.count])
    }

    /// Before more of a table is read in another snapshot: rows that have changed up to there are taken out, so that they
    /// are not met where they lie now. They stay noted.
    func removeTouched(_ attempt: CopyAttempt, _ side: TargetSide) throws {
        guard let key = attempt.statements.key else { return }
        let (oid, name) = (attempt.leaf.oid, attempt.leaf.name)
        let began = Monotonic.now
        while gate.passed < attempt.seen {
            guard !signal.wait(seconds: 0.01), began.age < Self.longest else {
                throw NotYet(description: "the stream has not come as far as the snapshot of \(name)")
            }
        }
        let doing = "removing rows of \(name) that have changed"
        try side.connection.script("BEGIN", doing: doing)
        guard try side.claim(oid, exclusively: true, runner: context.runner)?.state == .copying else { throw lost(oid) }
        if let keys = try side.touched(oid, by: key.columns) {
            if keys.isUnknown { throw Changed(table: name, what: "was truncated, or its key altered, on old") }
            try side.remove(keys, of: oid, from: attempt.statements.destinationSQL, where: key.matchesOnTarget)
        }
        try side.connection.script("COMMIT", doing: doing)
    }

    // MARK: handing over

    /// From here on rows and stream are one: what the last snapshot shows is in the rows, everything else comes.
    func handOver(_ record: CopiedTable, _ base: CopyBase, _ statements: CopyStatements, _ key: CopyKey) throws {
        let oid = record.oid
        if record.snapshots <= 1, gate.holdIfUntouched(oid) {
            return try recordDone(record, base.snapshot, base.until)
        }
        try catchUp(oid, statements, key)
        do {
            gate.set(oid, .starting)
            guard gate.settle(seconds: 5) else { throw NotYet(description: "the stream is busy") }
            let sight = try readLast(oid, statements, key)
            gate.set(oid, .handing(sight.snapshot, until: sight.until))
            try readOn(oid, sight, statements, key)
            gate.set(oid, .starting)
            try source().connection.script("COMMIT", doing: "letting go of a snapshot")
            board.change(oid) { $0.attempt = nil }
            try recordDone(record, sight.snapshot, sight.until)
        } catch {
            let why = board.entry(oid)?.attempt?.failure ?? error
            board.change(oid) { $0.attempt = nil }
            if board.entry(oid)?.isUncertain != true { gate.set(oid, .noting(base.snapshot, until: base.until)) }
            throw why
        }
    }

    /// What new answers decides; until it has, everything waits.
    private func recordDone(_ record: CopiedTable, _ snapshot: TransactionSnapshot, _ until: LSN) throws {
        Failpoint.pass(.beforeTableDone)
        board.change(record.oid) { $0.isUncertain = true }
        let side = try target()
        try side.connection.script("BEGIN", doing: "recording that a table is done")
        guard try side.claim(record.oid, exclusively: true, runner: context.runner)?.state == .copied else {
            throw lost(record.oid)
        }
        try side.nowDone(record.oid, snapshot, until: until)
        try side.connection.script("COMMIT", doing: "recording that a table is done")
        finished(record, snapshot, until)
    }

    /// Until little is left to read, and the stream is near.
    private func catchUp(_ oid: UInt32, _ statements: CopyStatements, _ key: CopyKey) throws {
        for _ in 0..<5 {
            guard let keys = try target().touched(oid, by: key.columns), keys.count > Self.few else { break }
            try mend(oid, statements, key)
        }
        let now = try source().currentPosition()
        if let reached = board.entry(oid)?.waitsFor, reached <= gate.passed {
            board.change(oid) { $0.waitsFor = nil }
        } else {
            try wait(oid, for: now)
        }
    }

    /// Nothing of the table passes meanwhile.
    private func readLast(_ oid: UInt32, _ statements: CopyStatements, _ key: CopyKey) throws -> Sight {
        let count = gate.notes(oid)
        let keys = try target().touched(oid, by: key.columns)
        let sight = try look(oid, statements)
        let attempt = CopyAttempt(
            sight.leaf, statements, exported: sight.exported, snapshot: sight.snapshot, until: sight.until, base: nil,
            isFirst: false, atMost: .infinity, ranges: [])
        attempt.enter(number, session: try source().connection.backendPID, signal)
        board.change(oid) { $0.attempt = attempt }
        if let keys { try mend(keys, sight.leaf, statements, key) }
        gate.read(oid, upTo: count)
        return sight
    }

    /// The stream still brings what the snapshot shows, up to where it was taken: that is read again in the same snapshot.
    private func readOn(_ oid: UInt32, _ sight: Sight, _ statements: CopyStatements, _ key: CopyKey) throws {
        let began = Monotonic.now
        while gate.passed < sight.until || gate.hasNotes(oid) {
            if let failure = board.entry(oid)?.attempt?.failure { throw failure }
            guard !signal.isRaised, began.age < Self.longest else {
                throw NotYet(description: "the stream has not come as far as the snapshot of \(sight.leaf.name)")
            }
            guard gate.hasNotes(oid) else {
                signal.wait(seconds: 0.005)
                continue
            }
            let count = gate.notes(oid)
            guard gate.settle(seconds: 1) else { continue }
            if let keys = try target().touched(oid, by: key.columns) { try mend(keys, sight.leaf, statements, key) }
            gate.read(oid, upTo: count)
        }
    }
}

extension PostgresError {
    /// Two rows have what only one may.
    var isSharedKey: Bool { sqlState == "23505" || sqlState == "23P01" }

    /// A row that does not fit into what a server can have in one piece. The states alone say less: 54000 is also an index's.
    var isTooWide: Bool {
        sqlState == "54000" && (message.hasPrefix("out of memory") || message.hasPrefix("string buffer exceeds"))
            || sqlState == "XX000" && message.hasPrefix("invalid memory alloc request size")
    }
}
