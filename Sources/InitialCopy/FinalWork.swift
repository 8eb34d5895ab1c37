// What needs all tables, made once the last one's rows are there: on a thread of its own, so that the one that watches over
// the copy goes on to do so. Outlasts the watch's connections.

internal import Threading

final class FinalWork: Sendable {
    enum Outcome {
        case none
        case busy
        case done
        case failed(any Error)
    }

    private struct State {
        var outcome = Outcome.none
        /// How many tables there were when it began.
        var tables = 0
        var thread: Thread?
    }

    private let state = Monitor(State())
    /// Raised when it has ended.
    private let moved: Wakeup

    init(_ moved: Wakeup) { self.moved = moved }

    func begin(for tables: Int, _ body: @escaping @Sendable () throws -> Void) throws(NoMoreThreads) {
        join()
        state.change { state in
            state.outcome = .busy
            state.tables = tables
        }
        do {
            let thread = try Thread("copy rest") { [self] in
                var outcome = Outcome.done
                do { try body() } catch { outcome = .failed(error) }
                let ended = outcome
                state.change { $0.outcome = ended }
                moved.raise()
            }
            state.change { $0.thread = thread }
        } catch {
            state.change { $0.outcome = .none }
            throw error
        }
    }

    /// What came of it, told once. What was made for other tables than there are now counts for nothing.
    func take(for tables: Int) -> Outcome {
        state.change { state in
            let outcome = state.outcome
            if case .busy = outcome { return outcome }
            state.outcome = .none
            if case .done = outcome, state.tables != tables { return .none }
            return outcome
        }
    }

    func join() {
        let thread = state.change { state in
            defer { state.thread = nil }
            return state.thread
        }
        thread?.join()
    }
}
