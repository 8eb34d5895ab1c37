// Data B beside the stream: a thread that asks the schedule what is due, does it, hears what operators ask for, and writes
// how each table is doing. A table that fails is left alone for a while and stops nobody; a server that cannot be reached
// stops only this thread, which tries again.

package import Model
internal import Postgres
internal import State
package import Telemetry
package import Threading

package final class DataBRun: Sendable {
    private struct Outcome {
        /// Every table has been worked on since the start.
        var allTried = false
        var failing: [QualifiedName] = []
    }

    private let plan: DataBPlan
    private let finish: (@Sendable (QualifiedName) throws -> Void)?
    private let isCopied: @Sendable () -> Bool
    private let atOnce: Bool
    private let log: Log
    private let stop = StopSignal()
    private let thread = Monitor<Thread?>(nil)
    private let outcome = Monitor(Outcome())

    /// `finish` makes keys and indexes of a table when tandem makes the schema; `isCopied` says whether all of Data A is
    /// there, which views read; `atOnce` brings every table along at the start, whenever the last time was.
    package init(
        _ plan: DataBPlan, finish: (@Sendable (QualifiedName) throws -> Void)? = nil,
        isCopied: @escaping @Sendable () -> Bool = { true }, atOnce: Bool = false, log: Log
    ) {
        (self.plan, self.finish, self.isCopied, self.atOnce, self.log) = (plan, finish, isCopied, atOnce, log)
    }

    package func start() throws(NoMoreThreads) {
        let started = try Thread("data b") { [self] in work() }
        thread.withLock { $0 = started }
    }

    package func askToEnd() { stop.raise() }

    package func end() {
        askToEnd()
        thread.withLock { thread in
            defer { thread = nil }
            return thread
        }?.join()
    }

    package var allTried: Bool { outcome.withLock { $0.allTried } }
    /// Tables whose last attempt failed.
    package var failing: [QualifiedName] { outcome.withLock { $0.failing } }

    // MARK: the thread

    private func work() {
        let desk = DataBDesk(plan, finish: finish, isCopied: isCopied, atOnce: atOnce, stop: stop, log: log)
        var pause = 0.5
        while !stop.isRaised {
            do {
                try desk.open()
                pause = 0.5
                while !stop.isRaised {
                    let isBusy = try desk.step()
                    outcome.change { $0 = Outcome(allTried: desk.allTried, failing: desk.failing) }
                    if !isBusy { stop.wait(seconds: 0.5) }
                }
            } catch {
                guard !stop.isRaised else { break }
                desk.interrupted(by: error)
                outcome.change { $0 = Outcome(allTried: desk.allTried, failing: desk.failing) }
                stop.wait(seconds: pause)
                pause = min(pause * 2, 10)
            }
        }
    }
}
