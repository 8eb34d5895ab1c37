// A watcher beside a test: asks the same question again and again on a session of its own, and remembers every answer
// that must never be seen. For what holds at all times, not only at the end.

import Dispatch
import Synchronization
import TestSupport

final class Ledger: Sendable {
    private struct State {
        var isOver = false
        var answers = 0
        var wrong: [String] = []
    }

    private let state = Mutex(State())
    private let done = DispatchSemaphore(value: 0)

    /// `ask` returns nil while all is well, otherwise what is wrong.
    init(_ ask: @escaping @Sendable () throws -> String?) {
        let thread = DispatchQueue(label: "ledger")
        thread.async { [self] in
            while !state.withLock({ $0.isOver }) {
                let answer: String?
                do { answer = try ask() } catch { answer = "\(error)" }
                state.withLock {
                    $0.answers += 1
                    if let answer, $0.wrong.count < 5 { $0.wrong.append(answer) }
                }
                rest(.milliseconds(30))
            }
            done.signal()
        }
    }

    var answers: Int { state.withLock { $0.answers } }

    /// Ends the watch; what was wrong.
    func close() -> [String] {
        state.withLock { $0.isOver = true }
        done.wait()
        return state.withLock { $0.wrong }
    }
}

extension Scenario {
    /// Watches that the slot never confirms more than new has applied.
    func watchSlot() throws -> Ledger {
        let (source, target) = (try old.session(), try new.session())
        let slot = slotName
        return Ledger {
            let confirmed = try source.send(
                "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = '\(slot)'")
            let ahead = try target.send(
                """
                SELECT progress FROM (SELECT max(pg_replication_origin_progress(roname, false)) AS progress
                    FROM pg_replication_origin WHERE roname IN ('\(slot)', '\(slot)_2')) AS origins
                WHERE progress < '\(confirmed)'
                """)
            return ahead.isEmpty ? nil : "slot at \(confirmed), new at \(ahead)"
        }
    }
}
