// The rows of one table, in the snapshot of an attempt: at once or in parts, each part in a transaction of its own with the
// record that it is there. Also: helping another worker with parts of the table it leads.

internal import Apply
internal import Failpoints
internal import Model
internal import Postgres
internal import State
internal import Telemetry

extension CopyWorker {
    func copy(_ attempt: CopyAttempt) throws {
        defer { attempt.exit(number) }
        let oid = attempt.leaf.oid
        context.log.debug("copying", [.relation: attempt.leaf.name, .bytes: attempt.leaf.bytes])
        do {
            if attempt.hasPending || !attempt.isFirst { try copyInParts(attempt) } else { try copyAtOnce(attempt) }
        } catch {
            attempt.fail(error)
            attempt.waitForHelpers()
            throw attempt.failure ?? error
        }
        // The snapshot is not needed any more, and holds back vacuum.
        _ = try? source().connection.script("COMMIT", doing: "letting go of a snapshot")
        if attempt.isFromStandby { _ = try? reader(attempt).script("COMMIT", doing: "letting go of a snapshot") }
        board.change(oid) { entry in
            entry.attempt = nil
            entry.phase = .finishing
        }
        Failpoint.pass(.afterTableCopied)
    }

    // MARK: at once

    private func copyAtOnce(_ attempt: CopyAttempt) throws {
        let side = try target()
        let oid = attempt.leaf.oid
        if let base = attempt.base {
            gate.set(oid, .noting(base.snapshot, until: base.until))
        } else {
            gate.set(oid, .copying(attempt.snapshot))
        }
        try side.connection.script("BEGIN", doing: "copying \(attempt.leaf.name)")
        guard try side.claim(oid, exclusively: true, runner: context.runner)?.state == .waiting else { throw lost(oid) }
        try checkEmpty(attempt, side.connection)
        let (rows, bytes) = try pipe(attempt, nil, side.connection)
        try side.nowCopied(
            oid, attempt.snapshot, until: attempt.until, form: attempt.base?.form, rows: rows, bytes: bytes)
        if attempt.isFromStandby { try side.nowCopyingOn(oid, until: attempt.seen) }
        Failpoint.pass(.beforeTableCopied)
        try commit(oid, side, doing: "copying \(attempt.leaf.name)")
        board.change(oid) { $0.base = attempt.base }
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

    // MARK: in parts

    private func copyInParts(_ attempt: CopyAttempt) throws {
        let side = try target()
        let oid = attempt.leaf.oid
        try recordSnapshot(attempt, side)
        if !attempt.isFirst, board.entry(oid)?.hasMet == true { try removeTouched(attempt, side) }
        if !isMarked { attempt.open() }
        while let range = try attempt.takeRange() { try copy(attempt, range, side) }
        attempt.waitForHelpers()
        let (rows, bytes) = try attempt.result()
        if attempt.hasPending { throw SnapshotOverdue(table: attempt.leaf.name) }
        Failpoint.pass(.beforeTableCopied)
        let doing = "copying \(attempt.leaf.name)"
        try side.connection.script("BEGIN", doing: doing)
        guard let claim = try side.claim(oid, exclusively: true, runner: context.runner), claim.state == .copying,
            claim.snapshot == (attempt.base?.snapshot ?? attempt.snapshot)
        else { throw lost(oid) }
        if attempt.base == nil {
            try side.nowCopied(oid, attempt.snapshot, until: attempt.until, form: nil, rows: rows, bytes: bytes)
        } else {
            try side.nowCopiedInParts(oid)
        }
        try commit(oid, side, doing: doing)
    }

    private func recordSnapshot(_ attempt: CopyAttempt, _ side: TargetSide) throws {
        let oid = attempt.leaf.oid
        let doing = "copying \(attempt.leaf.name)"
        try side.connection.script("BEGIN", doing: doing)
        guard let claim = try side.claim(oid, exclusively: true, runner: context.runner),
            claim.state == (attempt.isFirst ? .waiting : .copying)
        else { throw lost(oid) }
        if attempt.isFirst {
            try checkEmpty(attempt, side.connection)
            try side.nowCopying(
                oid, attempt.snapshot, until: attempt.until, form: attempt.base?.form, pages: attempt.base?.pages ?? 0)
        }
        if !attempt.isFirst || attempt.isFromStandby { try side.nowCopyingOn(oid, until: attempt.seen) }
        try commit(oid, side, doing: doing)
        guard let base = attempt.base else { return gate.set(oid, .copying(attempt.snapshot)) }
        gate.set(oid, .noting(base.snapshot, until: base.until))
        let kept = try side.copiedParts(oid)
        board.change(oid) { entry in
            entry.base = base
            entry.kept = kept
            (entry.rows, entry.bytes) = kept
        }
    }

    private func copy(_ attempt: CopyAttempt, _ range: PageRange, _ side: TargetSide) throws {
        let (oid, name) = (attempt.leaf.oid, attempt.leaf.name)
        let doing = "copying a part of \(name)"
        try side.connection.script("BEGIN", doing: doing)
        guard let claim = try side.claim(oid, exclusively: false, runner: context.runner), claim.state == .copying,
            claim.snapshot == (attempt.base?.snapshot ?? attempt.snapshot)
        else { throw lost(oid) }
        let (rows, bytes) = try pipe(attempt, range, side.connection)
        if attempt.base != nil, let end = range.end {
            try side.nowCopied(CopiedRange(first: range.first, end: end), of: oid, rows: rows, bytes: bytes)
        }
        try side.connection.script("COMMIT", doing: doing)
        attempt.count(rows: rows, bytes: bytes)
        board.change(oid) { entry in
            entry.kept.rows += rows
            entry.kept.bytes += bytes
        }
        Failpoint.pass(.afterRangeCopied)
    }

    private func pipe(
        _ attempt: CopyAttempt, _ range: PageRange?, _ target: Connection
    ) throws -> (rows: Int, bytes: Int) {
        let (board, oid) = (board, attempt.leaf.oid)
        var total = 0
        var counted = 0
        // The least that can be read: given up, it would take as long the next time.
        let isOnePage = range.map { $0.end == $0.first + 1 } ?? false
        let pipe = RowPipe(
            source: try reader(attempt), target: target, buffer: context.settings.buffer,
            widest: context.settings.widest, rate: context.rate, stop: signal,
            isOverdue: { !isOnePage && attempt.isOverdue }
        ) { bytes, rows in
            total += bytes
            counted += rows
            board.change(oid) { entry in
                entry.bytes += bytes
                entry.rows += rows
            }
        }
        do {
            let rows = try pipe.run(
                attempt.statements.read(range, elsewhere: attempt.isFromStandby), to: attempt.statements.write,
                doing: "copying \(attempt.leaf.name)")
            board.change(oid) { $0.rows += rows - counted }
            return (rows, total)
        } catch is Overdue {
            // A part that took the whole time has to be a smaller one; not when it only rested.
            if !context.rate.isResting { shrinkParts(attempt, range) }
            throw SnapshotOverdue(table: attempt.leaf.name)
        } catch let error as PostgresError where !attempt.isFirst && error.isSharedKey {
            board.change(oid) { $0.hasMet = true }
            throw NotYet(description: "\(attempt.leaf.name): a row was read before where it lay then")
        }
    }

    private func shrinkParts(_ attempt: CopyAttempt, _ range: PageRange?) {
        let pages = range.map { ($0.end ?? $0.first + 1) - $0.first } ?? attempt.leaf.pages
        board.change(attempt.leaf.oid) { $0.step = max(1, pages / 2) }
    }

    // MARK: helping

    func help(_ attempt: CopyAttempt, _ first: PageRange) {
        var failure: (any Error)?
        do {
            let connection = try reader(attempt)
            attempt.enter(number, session: attempt.isFromStandby ? nil : connection.backendPID, signal)
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
}
