// Work that may block for as long as a dead network likes (resolving a name, connecting, cancelling), done on a thread of
// its own so that whoever wants it can do something else meanwhile, and can leave it behind: on a request to stop, when its
// time is up, or by forgetting it. A thread left behind ends by itself, or with the process; what it was to bring back goes to
// `left`. It must touch nothing of its maker's.

package final class Errand<Value: Sendable>: Sendable {
    private struct State {
        var value: Value?
        var isLeft = false
    }

    private let state: Monitor<State>
    private let thread: Thread
    private let left: @Sendable (Value) -> Void

    package init(
        _ name: String, left: @escaping @Sendable (Value) -> Void = { _ in }, _ work: @escaping @Sendable () -> Value
    ) throws(NoMoreThreads) {
        let state = Monitor(State())
        self.state = state
        self.left = left
        thread = try Thread(name) {
            let value = work()
            let isLeft = state.change { state in
                if !state.isLeft { state.value = value }
                return state.isLeft
            }
            if isLeft { left(value) }
        }
    }

    deinit { if let value = leave() { left(value) } }

    /// What `work` returned, for whoever asks first; nil when it was left behind.
    package func wait(stop: StopSignal?, seconds: Double? = nil) -> Value? {
        let deadline = seconds.map { Monotonic.now.adding(seconds: $0) }
        while true {
            // No descriptor to poll: none may be left when this is needed.
            if state.wait(seconds: 0.05, until: { $0.value != nil ? true : nil }) != nil { return leave() }
            guard stop?.isRaised == true || deadline.map({ $0 <= Monotonic.now }) == true else { continue }
            return leave()
        }
    }

    /// Nothing is waited for from here on; what is there already.
    private func leave() -> Value? {
        let (value, isOver) = state.withLock { state in
            defer { (state.value, state.isLeft) = (nil, true) }
            return (state.value, state.value != nil || state.isLeft)
        }
        if isOver { thread.join() } else { thread.leave() }
        return value
    }

    /// Begun and waited for.
    package static func run(
        _ name: String, stop: StopSignal?, seconds: Double? = nil, left: @escaping @Sendable (Value) -> Void = { _ in },
        _ work: @escaping @Sendable () -> Value
    ) throws(NoMoreThreads) -> Value? {
        try Errand(name, left: left, work).wait(stop: stop, seconds: seconds)
    }
}
