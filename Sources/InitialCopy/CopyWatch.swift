// What the copy's own thread does again and again, with a connection to either side.

internal import Apply
internal import Configuration
internal import Failpoints
internal import Model
internal import Postgres
internal import State
internal import Telemetry
internal import Threading

final class CopyWatch {
    private let context: CopyContext
    private let stop: StopSignal
    private let source: SourceSide
    private let target: TargetSide
    private var reporter: CopyReporter
    private var nextBackOff = Monotonic.now
    private var resting: String?
    private let keep: TableFinisher.Keeper
    private var nextKeep = Monotonic.now
    private var isComplete = false
    private var problem: (message: String, hint: String?)?
    private var nextRest = Monotonic.now

    private var board: CopyBoard { context.board }

    /// Waits until the workers may begin.
    init(_ context: CopyContext, stop: StopSignal) throws {
        self.context = context
        keep = context.finisher.keeper()
        reporter = CopyReporter(limit: context.settings.snapshot, log: context.log)
        self.stop = stop
        let name = "\(context.stream) copy"
        source = SourceSide(try Connection(to: context.source, for: .control, as: name, stop: stop), context.stream)
        target = TargetSide(try Connection(to: context.target, for: .control, as: name, stop: stop), context.stream)
        try waitForBase()
        try measure()
        isComplete = try target.copyRequest()?.isComplete ?? false
        board.begin()
    }

    /// A commit that the slot takes for past may not be visible yet, most of all while it waits for a standby. A snapshot
    /// taken now would lack it, and the stream will not bring it.
    private func waitForBase() throws {
        var isSaid = false
        while let base = try target.copyRequest()?.base {
            if try source.snapshot().covers(base) { return try target.forgetBase() }
            if !isSaid { context.log.info("copy waits", [.reason: "commits on old that cannot be seen there yet"]) }
            isSaid = true
            stop.wait(seconds: 0.2)
            guard !stop.isRaised else {
                throw PostgresError(.interrupted, "stopped on request", doing: "waiting for old's commits")
            }
        }
    }

    private func measure() throws {
        guard !board.isComplete else { return }
        board.measured(try source.publishedLeafTables())
    }

    func look() throws -> CopyProgress {
        let request = try target.copyRequest()
        try hear(request)
        if !board.isComplete { isComplete = false }
        try minds()
        let progress = try report(request)
        if request?.isStreamPaused != true { try complete() }
        return progress
    }

    // MARK: what is asked for

    private func hear(_ request: CopyRequest?) throws {
        try holdBack()
        let rests = request?.isPaused == true || resting != nil
        if rests != context.rate.isResting {
            context.rate.isResting = rests
            board.rest(rests)
            context.log.info(rests ? "copy rests" : "copy goes on", [.reason: resting ?? "as asked"])
        }
        let recorded = try target.copiedTables()
        let news = recorded.filter { !board.knows($0.oid) }
        if !news.isEmpty {
            board.load(news)
            for table in news { context.gate.set(table.oid, table.state == .again ? .starting : .waiting) }
            try measure()
        }
        for table in recorded where table.state == .again { try begin(again: table) }
    }

    private func holdBack() throws {
        guard let backOff = context.settings.backOff, nextBackOff <= Monotonic.now, !isComplete else { return }
        nextBackOff = Monotonic.now.adding(seconds: 2)
        resting = try answer(backOff)
    }

    /// Why to rest. What cannot be asked may be over its limit.
    private func answer(_ backOff: BackOff) throws(PostgresError) -> String? {
        let text: String?
        do {
            let value = try source.connection.query(backOff.query, doing: "asking what copy.back_off says")
            text = value.rows > 0 && value.columns > 0 ? value.text(0, 0) : nil
        } catch {
            guard error.sqlState != nil, !error.isConnectionLost else { throw error }
            return "copy.back_off gave no answer: \(error)"
        }
        guard let text else { return nil }
        guard let number = Double(text), !number.isNaN else { return "copy.back_off gave an answer that is no number" }
        return number > backOff.above ? "copy.back_off is over \(backOff.above)" : nil
    }

    /// The stream lets go of the table, its rows are removed, and it is a table like any other that waits.
    private func begin(again table: CopiedTable) throws {
        let isIdle =
            board.entries.first { $0.oid == table.oid }.map { $0.phase == .done || $0.phase == .again } ?? false
        guard isIdle else { return }
        board.change(table.oid) { $0.phase = .again }
        context.gate.set(table.oid, .starting)
        guard context.gate.settle(seconds: 5) else { return }
        let name = table.name
        let doing = "emptying \(name), which is to be copied again"
        let writer = TargetSide(
            try Connection(to: context.target, for: .apply, as: "\(context.stream) copy", stop: stop), context.stream)
        if try writer.isDecodedByOpposite {
            guard try writer.tryCopyOrigin() else { return }
        }
        try writer.connection.script("BEGIN", doing: doing)
        guard try writer.claim(table.oid, exclusively: true, runner: context.runner)?.state == .again else { return }
        if let leaf = try source.leaf(table.oid) {
            let statements = try CopyStatements(
                leaf, stream: context.stream, source: context.source, on: source.connection, target: writer.connection,
                stop: stop)
            guard !statements.isShared else {
                return try refuse(table, writer, AgainExamination.shared)
            }
            try CopyWorker(0, context).empty(statements.destinationSQL, writer.connection)
        }
        try writer.nowWaiting(table.oid)
        // Set aside as a whole, the table is from now on in parts, of which this one comes back.
        for other in try writer.setAside() where other.name != name {
            let parts = try source.leafNames(below: [other.name])
            if parts.contains(name) { try writer.part(other.name, into: parts) }
        }
        try writer.bringBack(name)
        try writer.nowComplete(false)
        try writer.connection.script("COMMIT", doing: doing)
        isComplete = false
        // The stream must know that it is no longer set aside before a snapshot is taken.
        while !context.gate.settle(seconds: 5) {
            guard !stop.isRaised else { return }
        }
        context.gate.set(table.oid, .waiting)
        board.change(table.oid) { entry in
            entry.phase = .waiting
            entry.beginAgain()
            entry.rows = 0
            entry.bytes = 0
            entry.problem = nil
            entry.failures = 0
            entry.notBefore = nil
        }
        context.log.info("copying again", [.relation: name])
    }

    private func refuse(_ table: CopiedTable, _ writer: TargetSide, _ reason: String) throws {
        try writer.connection.script("ROLLBACK", doing: "giving up on \(table.name)")
        board.change(table.oid) { $0.problem = ("\(table.name) cannot be copied again: it \(reason)", nil) }
    }

    // MARK: nobody shall wait for us

    private func minds() throws {
        let attempts = board.entries.compactMap(\.attempt)
        let sessions = attempts.flatMap(\.sessions)
        guard !sessions.isEmpty else { return }
        for (table, who) in try source.waiters(behind: sessions) {
            guard let attempt = attempts.first(where: { $0.leaf.oid == table }) else { continue }
            attempt.fail(GaveWay(table: attempt.leaf.name, who: who))
        }
    }

    // MARK: how it goes

    private func report(_ request: CopyRequest?) throws -> CopyProgress {
        var progress = reporter.progress(of: board.entries, context.finisher.builds.current)
        progress.isPaused = request?.isPaused ?? false
        progress.resting = resting
        progress.isComplete = isComplete && board.isComplete
        progress.isFinishing = !isComplete && board.isComplete
        (progress.problem, progress.hint) = (problem?.message, problem?.hint)
        progress.holding = context.gate.holding.flatMap { board.entry($0.table)?.name.description }
        try target.write(copyProgress: progress.encoded())
        if !context.isShown { reporter.line(progress) }
        return progress
    }

    // MARK: the end of it

    private func complete() throws {
        let count = board.entries.count
        guard board.isComplete else {
            _ = context.rest.take(for: 0)
            return
        }
        if !isComplete {
            guard try finishRest(count) else { return }
            try keep(source.connection, target.connection)
            try target.nowComplete(true)
            isComplete = true
            context.log.info("copy complete", [.count: count])
            Failpoint.pass(.afterCopyComplete)
        }
        guard nextKeep <= Monotonic.now else { return }
        nextKeep = Monotonic.now.adding(seconds: 10)
        try keep(source.connection, target.connection)
    }

    /// What needs all tables. False while it is being made, and when it could not be; it is tried again.
    private func finishRest(_ count: Int) throws -> Bool {
        switch context.rest.take(for: count) {
        case .busy: return false
        case .done:
            problem = nil
            return true
        case .failed(let error):
            guard !stop.isRaised else { throw error }
            let hint = (error as? any Explained)?.hint
            if problem?.message != "\(error)" {
                context.log.about(error).error("copy cannot be finished", [.reason: "\(error)", .hint: hint ?? ""])
            }
            problem = ("\(error)", hint)
            nextRest = Monotonic.now.adding(seconds: 10)
        case .none:
            guard nextRest <= Monotonic.now else { return false }
            context.log.info("finishing", [.reason: "all rows are on new"])
            let (context, stop) = (context, stop)
            try context.rest.begin(for: count) {
                try context.finisher.all(stop)
                try WholeStatistics(context).gather(stop)
            }
        }
        return false
    }
}
