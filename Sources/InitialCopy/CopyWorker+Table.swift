// Leading one table through its copy, helping another leader with a range, and finishing what has its rows.

internal import Apply
internal import Failpoints
internal import Model
internal import Postgres
internal import State
internal import Telemetry
internal import Threading

extension CopyWorker {
    // MARK: leading

    func lead(_ oid: UInt32) throws {
        do {
            try prepareTarget(oid)
            gate.set(oid, .starting)
            if let attempt = try begin(oid) {
                try copy(attempt)
            } else {
                try recordDropped(oid)
            }
        } catch {
            // Sessions end with their connections, and with them what they had not committed.
            disconnect()
            gate.set(oid, .waiting)
            putBack(oid, .waiting, error)
            throw error
        }
    }

    /// Waits for whoever still writes rows of it, and removes what an earlier attempt has left.
    private func prepareTarget(_ oid: UInt32) throws {
        let side = try target()
        let doing = "clearing the way for a table's copy"
        try side.connection.script("BEGIN", doing: doing)
        guard let claim = try side.claim(oid, exclusively: true, runner: context.runner) else { throw lost(oid) }
        switch claim.state {
        case .waiting: break
        case .copying:
            if let statements = try statements(oid, side.connection) {
                guard !statements.isShared else { throw lost(oid) }
                try empty(statements.destinationSQL, side.connection)
            }
            try side.nowWaiting(oid)
        case .copied, .done, .again: throw lost(oid)
        }
        try side.connection.script("COMMIT", doing: doing)
    }

    private func lost(_ oid: UInt32) -> PostgresError {
        PostgresError(.unexpected, "new's record of table \(oid) makes no sense", doing: "copying a table")
    }

    /// Locks the table on the source, then takes the snapshot. Nil when the source has it no more.
    private func begin(_ oid: UInt32) throws -> CopyAttempt? {
        let side = try source()
        let connection = side.connection
        guard let known = try side.leaf(oid) else {
            try connection.script(
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", doing: "looking for a table that is gone")
            return nil
        }
        let doing = "locking \(known.name) on \(connection.label)"
        try connection.script(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL lock_timeout = '2s'", doing: doing)
        do {
            try connection.script("LOCK TABLE ONLY \(known.name.sql) IN ACCESS SHARE MODE", doing: doing)
        } catch {
            guard error.sqlState == "55P03" else { throw error }
            throw Locked(table: known.name, who: try holders(oid) ?? "somebody")
        }
        let exported = try connection.script("SELECT pg_catalog.pg_export_snapshot()", doing: doing).string(0, 0)
        let snapshot = try side.snapshot()
        let position = try side.currentPosition()
        try check(oid, snapshot)
        guard let leaf = try side.leaf(oid), leaf.name == known.name else {
            throw NotYet(description: "\(known.name) was renamed just now")
        }
        let target = try target().connection
        let statements = try CopyStatements(
            leaf, stream: context.stream, source: context.source, target: target, stop: signal)
        let attempt = CopyAttempt(
            leaf, statements, exported: exported, snapshot: snapshot, until: position,
            ranges: ranges(leaf, statements, connection))
        attempt.enter(number, session: connection.backendPID, signal)
        gate.set(oid, .copying(snapshot))
        board.change(oid) { entry in
            entry.name = leaf.name
            entry.size = leaf.bytes
            entry.expectedRows = leaf.rows
            entry.attempt = attempt
        }
        Failpoint.pass(.afterTableSnapshot)
        return attempt
    }

    private func holders(_ oid: UInt32) throws -> String? {
        let connection = try Connection(
            to: context.source, for: .control, as: "\(context.stream) copy \(number)", stop: signal)
        return try SourceSide(connection, context.stream).holders(of: oid)
    }

    /// A table that was added to the publication later: transactions that were open then may have been published without it.
    private func check(_ oid: UInt32, _ snapshot: TransactionSnapshot) throws {
        guard let after = board.entries.first(where: { $0.oid == oid })?.after, snapshot.xmin < after else { return }
        throw NotYet(description: "waiting for transactions on old that began before the table was published")
    }

    /// Parts of about the configured size; one that ends the table however far it grew. Nothing when it goes as a whole.
    private func ranges(_ leaf: SourceLeaf, _ statements: CopyStatements, _ source: Connection) -> [PageRange] {
        let pageSize = 8192
        guard source.serverMajor >= 14, !statements.isShared, leaf.bytes > 2 * context.settings.range else { return [] }
        let step = max(1, context.settings.range / pageSize)
        var ranges: [PageRange] = []
        var first = 0
        while (first + step) * pageSize < leaf.bytes {
            ranges.append(PageRange(first: first, end: first + step))
            first += step
        }
        return ranges + [PageRange(first: first, end: nil)]
    }

    // MARK: copying

    private func copy(_ attempt: CopyAttempt) throws {
        defer { attempt.exit(number) }
        let oid = attempt.leaf.oid
        context.log.debug("copying", [.relation: attempt.leaf.name, .bytes: attempt.leaf.bytes])
        do {
            if attempt.hasPending { try copyInRanges(attempt) } else { try copyAtOnce(attempt) }
        } catch {
            attempt.fail(error)
            attempt.waitForHelpers()
            throw attempt.failure ?? error
        }
        // The snapshot is not needed any more, and holds back vacuum.
        _ = try? source().connection.script("COMMIT", doing: "letting go of a snapshot")
        board.change(oid) { entry in
            entry.attempt = nil
            entry.phase = .finishing
        }
        Failpoint.pass(.afterTableCopied)
        try finish(oid, attempt.statements)
    }

    private func copyAtOnce(_ attempt: CopyAttempt) throws {
        let side = try target()
        try side.connection.script("BEGIN", doing: "copying \(attempt.leaf.name)")
        guard try side.claim(attempt.leaf.oid, exclusively: true, runner: context.runner)?.state == .waiting else {
            throw lost(attempt.leaf.oid)
        }
        try checkEmpty(attempt, side.connection)
        let (rows, bytes) = try pipe(attempt, nil, side.connection)
        try side.nowCopied(attempt.leaf.oid, attempt.snapshot, until: attempt.until, rows: rows, bytes: bytes)
        Failpoint.pass(.beforeTableCopied)
        try side.connection.script("COMMIT", doing: "copying \(attempt.leaf.name)")
    }

    private func copyInRanges(_ attempt: CopyAttempt) throws {
        let side = try target()
        let oid = attempt.leaf.oid
        let doing = "copying \(attempt.leaf.name)"
        try side.connection.script("BEGIN", doing: doing)
        guard try side.claim(oid, exclusively: true, runner: context.runner)?.state == .waiting else { throw lost(oid) }
        try checkEmpty(attempt, side.connection)
        try side.nowCopying(oid, attempt.snapshot, until: attempt.until)
        try side.connection.script("COMMIT", doing: doing)
        while let range = try attempt.takeRange() { try copy(attempt, range, side) }
        attempt.waitForHelpers()
        let (rows, bytes) = try attempt.result()
        Failpoint.pass(.beforeTableCopied)
        try side.connection.script("BEGIN", doing: doing)
        guard try side.claim(oid, exclusively: true, runner: context.runner)?.snapshot == attempt.snapshot else {
            throw lost(oid)
        }
        try side.nowCopied(oid, attempt.snapshot, until: attempt.until, rows: rows, bytes: bytes)
        try side.connection.script("COMMIT", doing: doing)
    }

    private func copy(_ attempt: CopyAttempt, _ range: PageRange, _ side: TargetSide) throws {
        let doing = "copying a part of \(attempt.leaf.name)"
        try side.connection.script("BEGIN", doing: doing)
        guard let claim = try side.claim(attempt.leaf.oid, exclusively: false, runner: context.runner),
            claim.state == .copying,
            claim.snapshot == attempt.snapshot
        else { throw lost(attempt.leaf.oid) }
        let (rows, bytes) = try pipe(attempt, range, side.connection)
        try side.connection.script("COMMIT", doing: doing)
        attempt.count(rows: rows, bytes: bytes)
        Failpoint.pass(.afterRangeCopied)
    }

    private func pipe(
        _ attempt: CopyAttempt, _ range: PageRange?, _ target: Connection
    ) throws -> (rows: Int, bytes: Int) {
        let (board, oid) = (board, attempt.leaf.oid)
        var total = 0
        let rows = try RowPipe(
            source: try source().connection, target: target, buffer: context.settings.buffer, rate: context.rate,
            stop: signal
        ) { bytes in
            total += bytes
            board.change(oid) { $0.bytes += bytes }
        }.run(
            from: attempt.statements.read(range), to: attempt.statements.write, doing: "copying \(attempt.leaf.name)")
        board.change(oid) { $0.rows += rows }
        return (rows, total)
    }

    /// Nobody else's rows are mixed with ours.
    private func checkEmpty(_ attempt: CopyAttempt, _ target: Connection) throws {
        guard !attempt.statements.isShared else { return }
        let table = attempt.statements.destination
        let found = try target.query(
            "SELECT EXISTS (SELECT FROM \(attempt.statements.destinationSQL))", doing: "looking for rows in \(table)")
        guard found.bool(0, 0) else { return }
        throw StateError.refused(
            "\(table) on new has rows already",
            hint: "empty it: TRUNCATE \(table.pasteable); its copy then begins by itself")
    }

    /// The source dropped it: nothing is left to copy, and what the stream still brings of it is over.
    private func recordDropped(_ oid: UInt32) throws {
        let side = try source()
        let snapshot = try side.snapshot()
        let position = try side.currentPosition()
        try side.connection.script("COMMIT", doing: "looking for a table that is gone")
        let target = try target()
        try target.connection.script("BEGIN", doing: "recording a table that is gone")
        guard try target.claim(oid, exclusively: true, runner: context.runner)?.state == .waiting else {
            throw lost(oid)
        }
        try target.nowCopied(oid, snapshot, until: position, rows: 0, bytes: 0)
        try target.nowDone(oid)
        try target.connection.script("COMMIT", doing: "recording a table that is gone")
        settle(oid, snapshot, position)
        context.log.warning("table is gone", [.relation: "\(oid)", .reason: "old dropped it before it was copied"])
    }

    // MARK: helping

    func help(_ attempt: CopyAttempt, _ first: PageRange) {
        var failure: (any Error)?
        do {
            let connection = try source().connection
            attempt.enter(number, session: connection.backendPID, signal)
            let doing = "joining the snapshot of \(attempt.leaf.name)"
            try connection.script(
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT \(literal(attempt.exported));"
                    + " SET LOCAL lock_timeout = '2s'", doing: doing)
            let side = try target()
            var next: PageRange? = first
            while let range = next {
                try copy(attempt, range, side)
                next = try attempt.takeRange()
            }
            try connection.script("COMMIT", doing: doing)
        } catch {
            failure = error
            disconnect()
        }
        attempt.exit(number)
        attempt.leave(failure)
    }

    // MARK: finishing

    /// All rows are there. The stream goes on with the table once everything that makes it quick and checked is there too.
    func finish(_ oid: UInt32, _ known: CopyStatements? = nil) throws {
        do {
            let side = try target()
            guard let record = try side.copiedTable(oid), let snapshot = record.snapshot else { throw lost(oid) }
            if let statements = try known ?? statements(oid, side.connection), !statements.isShared {
                try complete(statements.destination, side.connection)
            }
            Failpoint.pass(.beforeTableDone)
            try side.nowDone(oid)
            Failpoint.pass(.afterTableDone)
            settle(oid, snapshot, record.until)
            context.log.info(
                "table copied", [.relation: record.name, .rows: record.rows, .bytes: record.bytes])
        } catch {
            putBack(oid, .copied, error)
            throw error
        }
    }

    private func statements(_ oid: UInt32, _ target: Connection) throws -> CopyStatements? {
        guard let leaf = try source().leaf(oid) else { return nil }
        return try CopyStatements(
            leaf, stream: context.stream, source: context.source, target: target, stop: signal)
    }

    private func complete(_ table: QualifiedName, _ target: Connection) throws {
        try context.finisher.table(table, signal)
        try target.script("ANALYZE \(table.sql)", doing: "gathering statistics of \(table)")
    }

    private func settle(_ oid: UInt32, _ snapshot: TransactionSnapshot, _ until: LSN) {
        gate.set(oid, .done(snapshot, until: until))
        board.change(oid) { entry in
            entry.phase = .done
            entry.attempt = nil
            entry.problem = nil
            entry.failures = 0
        }
    }

    /// In the caller's transaction. Where something on new refers to the table, TRUNCATE is refused.
    func empty(_ table: String, _ target: Connection) throws {
        let doing = "removing what an earlier attempt has copied"
        try target.script("SAVEPOINT truncation", doing: doing)
        do { try target.script("TRUNCATE \(table)", doing: doing) } catch {
            guard error.sqlState == "0A000" else { throw error }
            try target.script("ROLLBACK TO truncation", doing: doing)
            try target.script("LOCK TABLE \(table) IN EXCLUSIVE MODE; DELETE FROM \(table)", doing: doing)
        }
    }
}
