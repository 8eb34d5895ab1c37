// Work that may block for as long as a dead network likes (resolving a name, connecting, cancelling), done on a thread of
// its own so that whoever wants it can leave it behind: on a request to stop, or when its time is up. A thread left behind
// ends by itself, or with the process; what it was to bring back goes to `left`. It must touch nothing of its maker's.

package enum Errand {
    private struct State<Value> {
        var value: Value?
        var isLeft = false
    }

    /// What `work` returned; nil when it was left behind.
    package static func run<Value: Sendable>(
        _ name: String, stop: StopSignal?, seconds: Double? = nil, left: @escaping @Sendable (Value) -> Void = { _ in },
        _ work: @escaping @Sendable () -> Value
    ) throws(NoMoreThreads) -> Value? {
        let state = Monitor(State<Value>())
        let thread = try Thread(name) {
            let value = work()
            let isLeft = state.change { state in
                if !state.isLeft { state.value = value }
                return state.isLeft
            }
            if isLeft { left(value) }
        }
        let deadline = seconds.map { Monotonic.now.adding(seconds: $0) }
        while true {
            // No descriptor to poll: none may be left when this is needed.
            if let value = state.wait(seconds: 0.05, until: { $0.value }) {
                thread.join()
                return value
            }
            guard stop?.isRaised == true || deadline.map({ $0 <= Monotonic.now }) == true else { continue }
            let value = state.withLock { state in
                state.isLeft = state.value == nil
                return state.value
            }
            if value == nil { thread.leave() } else { thread.join() }
            return value
        }
    }
}
