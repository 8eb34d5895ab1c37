// An application in the background that counts one row up on both sides, as an instance does that writes both: old first, new inside
// old's open transaction, new committed first. Without a rest in between.

import Dispatch
import Synchronization
import TestSupport

final class Counter: Sendable {
    private struct State {
        var isOver = false
        var failure: String?
        var counted = 0
    }

    private let state = Mutex(State())
    private let done = DispatchSemaphore(value: 0)

    init(_ s: Scenario, _ statement: String) throws {
        let (old, new) = (try s.old.session(), try s.new.session())
        DispatchQueue(label: "counter").async { [self] in
            do {
                while !state.withLock({ $0.isOver }) {
                    try old.send("BEGIN; \(statement)")
                    try new.send("BEGIN; \(statement); COMMIT")
                    try old.send("COMMIT")
                    state.withLock { $0.counted += 1 }
                }
            } catch { state.withLock { $0.failure = "\(error)" } }
            done.signal()
        }
    }

    /// How often it did.
    func end() throws -> Int {
        state.withLock { $0.isOver = true }
        done.wait()
        if let failure = state.withLock({ $0.failure }) { throw HarnessFailure(.sql, failure) }
        return state.withLock { $0.counted }
    }
}
