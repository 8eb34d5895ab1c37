// So many operations a second, of all clerks of an instance together. What could not begin in time is not made up for by more
// than a second's worth.

internal import Threading

final class Pace: Sendable {
    private struct State {
        var rate: Double
        var next: Monotonic
    }

    private let state: Monitor<State>

    init(_ rate: Double) { state = Monitor(State(rate: rate, next: .now)) }

    var rate: Double { state.withLock { $0.rate } }

    func change(_ rate: Double) { state.withLock { $0 = State(rate: rate, next: .now) } }

    /// False when asked to end.
    func wait(_ closing: StopSignal) -> Bool {
        let now = Monotonic.now
        let at = state.withLock { state -> Monotonic in
            guard state.rate > 0 else { return now }
            let at = max(state.next, now.adding(seconds: -1))
            state.next = at.adding(seconds: 1 / state.rate)
            return at
        }
        let ahead = at.seconds(since: now)
        return ahead > 0 ? !closing.wait(seconds: ahead) : !closing.isRaised
    }
}
