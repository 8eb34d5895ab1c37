// The copy of existing rows, beside the stream: makes the workers and watches over them from a thread of its own. Waits
// until snapshots show all that the slot's own does, hears what operators ask for, sees that nobody on the source waits
// for us, and says how it goes. Ends only when told to: tables may be asked for again at any time.

package import Apply
internal import Failpoints
package import Model
package import Postgres
package import State
package import Telemetry
package import Threading

package final class CopyRun: Sendable {
    private let context: CopyContext
    private let stop = StopSignal()
    private let threads = Monitor<[Thread]>([])
    private let completed: Monitor<Bool>
    private let latest = Monitor<CopyProgress?>(nil)
    /// Told of every look; nil when there is no more to tell.
    private let shown: (@Sendable (CopyProgress?) -> Void)?

    /// Raised when the copy has become complete, or cannot.
    package let moved = Wakeup()

    /// Sets the gate for every table before anything streams.
    package init(
        stream: StreamName, source: ConnectionTarget, standby: ConnectionTarget? = nil, target: ConnectionTarget,
        settings: CopySettings, gate: CopyGate, runner: Int, tables: [CopiedTable], touched: Set<UInt32>,
        isComplete: Bool, finisher: TableFinisher,
        shown: (@Sendable (CopyProgress?) -> Void)? = nil, log: Log
    ) {
        let board = CopyBoard(gate)
        board.load(tables)
        for table in tables { Self.close(gate, table) }
        for table in touched { gate.assumeNotes(table) }
        context = CopyContext(
            stream: stream, source: source, standby: standby, target: target, settings: settings, runner: runner,
            board: board, gate: gate,
            finisher: finisher, isShown: shown != nil, log: log)
        self.shown = shown
        completed = Monitor(isComplete)
    }

    private static func close(_ gate: CopyGate, _ table: CopiedTable) {
        if let base = CopyBase(table) { return gate.set(table.oid, .noting(base.snapshot, until: base.until)) }
        switch (table.state, table.snapshot) {
        case (.done, let snapshot?): gate.set(table.oid, .done(snapshot, until: table.until))
        case (.copied, let snapshot?): gate.set(table.oid, .copying(snapshot))
        case (.again, _): gate.set(table.oid, .starting)
        case (.waiting, _), (.copying, _), (.copied, nil), (.done, nil): gate.set(table.oid, .waiting)
        }
    }

    /// More tables, or more known of them; before anything of them streams.
    package func load(_ tables: [CopiedTable]) {
        for table in tables where !context.board.knows(table.oid) { Self.close(context.gate, table) }
        context.board.load(tables)
        for table in tables { context.board.change(table.oid) { $0.after = table.after } }
        if !context.board.isComplete { completed.change { $0 = false } }
    }

    package var isComplete: Bool { completed.withLock { $0 } && context.board.isComplete }
    package var progress: CopyProgress? { latest.withLock { $0 } }

    /// What keeps the rest from ever being complete without an operator: the first of those tables, when nothing else is
    /// left to do.
    package var obstacle: StreamStatus.Problem? {
        if let progress, progress.isFinishing, let message = progress.problem {
            return StreamStatus.Problem(message: message, hint: progress.hint)
        }
        let open = context.board.entries.filter { $0.phase != .done }
        guard !open.isEmpty, open.allSatisfy({ $0.problem != nil && !$0.isTransient && $0.failures > 1 }),
            let first = open.min(by: { $0.name < $1.name }), let problem = first.problem
        else { return nil }
        return StreamStatus.Problem(message: problem.message, hint: problem.hint, table: first.name.description)
    }

    /// What was started before this throws is ended by `end`.
    package func start() throws(NoMoreThreads) {
        let context = context
        try keep(Thread("copy") { [self] in watch() })
        for number in 1...context.settings.jobs {
            try keep(Thread("copy \(number)") { CopyWorker(number, context).run() })
        }
    }

    private func keep(_ thread: Thread) { threads.withLock { $0.append(thread) } }

    package func end() {
        stop.raise()
        context.end()
        let all = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for thread in all { thread.join() }
        context.rest.join()
        shown?(nil)
    }

    // MARK: watching

    private func watch() {
        var pause = 0.2
        while !stop.isRaised {
            do {
                let watch = try CopyWatch(context, stop: stop)
                pause = 0.2
                while !stop.isRaised {
                    let progress = try watch.look()
                    latest.withLock { $0 = progress }
                    shown?(progress.isComplete ? nil : progress)
                    let isNews = completed.withLock { known in
                        defer { known = progress.isComplete }
                        return known != progress.isComplete
                    }
                    if isNews || obstacle != nil { moved.raise() }
                    rest(seconds: progress.isComplete ? 1 : 0.5)
                }
            } catch {
                guard !stop.isRaised else { return }
                context.log.warning("copy interrupted", [.reason: "\(error)"])
                stop.wait(seconds: pause)
                pause = min(pause * 2, 10)
            }
        }
    }

    private func rest(seconds: Double) {
        Poll.wait(
            for: [.readable(stop.descriptor), .readable(context.moved.descriptor)],
            until: Monotonic.now.adding(seconds: seconds))
        context.moved.lower()
    }
}
