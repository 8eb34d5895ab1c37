// An application that knocks at a side where it may not write yet, and writes there from the moment that it may. On a thread of
// its own, over one session.

internal import Dispatch
internal import Synchronization

package final class Knocking: Sendable {
    private struct State {
        var isOver = false
        var acknowledged: [Int] = []
    }

    private let state = Mutex(State())
    private let done = DispatchSemaphore(value: 0)

    /// `statement` makes a row of a number. Without a mode it declares none.
    package init(
        _ side: Database, as name: String, mode: Int? = nil, _ statement: @escaping @Sendable (Int) -> String
    ) throws {
        let session = try side.session()
        try session.send("SET application_name = '\(name)'")
        let declared = mode.map { "SELECT set_config('tandem.mode', '\($0)', true); " } ?? ""
        DispatchQueue(label: "knocking").async { [self] in
            var number = 0
            while !state.withLock({ $0.isOver }) {
                number += 1
                let outcome: ()? = try? {
                    try session.send("BEGIN; \(declared)\(statement(number))")
                    try session.send("COMMIT")
                }()
                if outcome != nil {
                    state.withLock { $0.acknowledged.append(number) }
                } else {
                    _ = try? session.send("ROLLBACK")
                }
            }
            done.signal()
        }
    }

    /// Once so many were acknowledged: which.
    package func end(after count: Int) throws -> [Int] {
        let enough = poll(within: .seconds(60)) { state.withLock { $0.acknowledged.count >= count } ? true : nil }
        state.withLock { $0.isOver = true }
        done.wait()
        guard enough == true else { throw HarnessFailure(.timeLimit, "nobody let it write") }
        return state.withLock { $0.acknowledged }
    }
}
