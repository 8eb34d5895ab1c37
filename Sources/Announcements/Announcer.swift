// `hooks.on_event`: a program that is run once an event, one after the other, with the event as JSON on its standard input. Whoever
// has something to tell only puts it into a bounded queue: a program that hangs, fails or is slow costs events, which are counted,
// and never holds up a stream. Runs on a thread of its own.

internal import Processes
package import Telemetry
package import Threading

package final class Announcer: Sendable {
    package struct Counts: Sendable, Equatable {
        package var delivered = 0
        package var failed = 0
        package var dropped = 0

        package init(delivered: Int = 0, failed: Int = 0, dropped: Int = 0) {
            self.delivered = delivered
            self.failed = failed
            self.dropped = dropped
        }
    }

    /// Of the queue.
    static let limit = 256

    private struct Waiting {
        var events: [LogEvent] = []
        /// Since the last one that is in the queue.
        var dropped = 0
        var isEnding = false
        var counts = Counts()
    }

    private let path: String
    private let arguments: [String]
    private let patience: Double
    private let source: Announcing
    private let waiting = Monitor(Waiting())
    private let stop = StopSignal()
    private let thread = Monitor<Thread?>(nil)

    package init(path: String, arguments: [String], patience: Double, _ source: Announcing) {
        self.path = path
        self.arguments = arguments
        self.patience = patience
        self.source = source
    }

    package var counts: Counts { waiting.withLock { $0.counts } }

    /// Begins to call the program. `told` hears why it fails, once until it works again, and then nil.
    package func start(told: @escaping @Sendable (String?) -> Void) throws(NoMoreThreads) {
        let started = try Thread("on_event") { self.work(told) }
        thread.withLock { $0 = started }
    }

    /// From any thread; waits for nothing.
    package func hear(_ event: LogEvent) {
        guard AnnouncedEvents.has(event) else { return }
        waiting.change { waiting in
            guard waiting.events.count < Self.limit else {
                waiting.dropped += 1
                waiting.counts.dropped += 1
                return
            }
            waiting.events.append(event)
        }
    }

    /// What waits is still told, for so many seconds.
    package func finish(seconds: Double) {
        guard let thread = thread.withLock({ $0 }) else { return }
        let isDone = Monitor(false)
        waiting.change { $0.isEnding = true }
        let stop = stop
        let clock = try? Thread("on_event end") {
            if isDone.wait(seconds: seconds, until: { $0 ? true : nil }) == nil { stop.raise() }
        }
        if clock == nil { stop.raise() }
        thread.join()
        isDone.change { $0 = true }
        clock?.join()
    }

    private func work(_ told: @Sendable (String?) -> Void) {
        var isFailing = false
        while let (event, dropped) = next() {
            let failure = call(Announcement(event, source, dropped: dropped))
            if stop.isRaised { return }
            waiting.withLock { waiting in
                if failure == nil { waiting.counts.delivered += 1 } else { waiting.counts.failed += 1 }
            }
            if (failure != nil) != isFailing { told(failure) }
            isFailing = failure != nil
        }
    }

    /// Nil when there is nothing more to come.
    private func next() -> (LogEvent, dropped: Int)? {
        waiting.wait { waiting -> (LogEvent, dropped: Int)?? in
            guard !waiting.events.isEmpty else { return waiting.isEnding ? .some(nil) : nil }
            defer { waiting.dropped = 0 }
            return (waiting.events.removeFirst(), waiting.dropped)
        } ?? nil
    }

    /// Why it failed. What it prints is thrown away, but for the last line that it complains with.
    private func call(_ announcement: Announcement) -> String? {
        let program = ChildProgram(
            program: path, arguments: arguments, environment: ["TANDEM_HOOK": "on_event"],
            input: Array(announcement.json.utf8), outputLimit: 0)
        do {
            let outcome = try program.run(stop: stop, within: patience)
            guard outcome.status != 0 else { return nil }
            let last = outcome.errors.split(whereSeparator: \.isNewline).last.map { ": \($0.prefix(200))" } ?? ""
            return "it ended with status \(outcome.status)\(last)"
        } catch { return error.description }
    }
}
