// The time that is left of what users may wait: a stop signal for everything that is done while they do, raised when it is used up
// or when somebody asks tandem to stop. Once the next epoch is committed nothing is to be interrupted any more, and there is
// only a limit for what does not answer.

internal import Threading

final class ActClock: Sendable {
    let stop = StopSignal()
    private struct State {
        var deadline: Monotonic
        var isHeeding = true
    }

    private let state: Monitor<State>
    private let done = StopSignal()
    private let thread = Monitor<Thread?>(nil)

    init(seconds: Double, heeding asked: StopSignal) throws {
        state = Monitor(State(deadline: .now.adding(seconds: seconds)))
        let started = try Thread("act's clock") { [state, stop, done] in
            while !done.wait(seconds: 0.01) {
                let now = state.withLock { $0 }
                if (now.isHeeding && asked.isRaised) || now.deadline <= .now { return stop.raise() }
            }
        }
        thread.withLock { $0 = started }
    }

    func end() {
        done.raise()
        thread.withLock { $0 }?.join()
        thread.withLock { $0 = nil }
    }

    var left: Double { max(0, state.withLock { $0.deadline }.seconds(since: .now)) }

    /// From the commit on.
    func goOn(seconds: Double) {
        state.withLock {
            $0.deadline = .now.adding(seconds: seconds)
            $0.isHeeding = false
        }
    }

    func restart(seconds: Double) { state.withLock { $0.deadline = .now.adding(seconds: seconds) } }
}
