// One side's connection with the thread it lives on: work is handed in, done in order, and its outcome waited for. So both
// sides read at the same time while one thread says what is to be read.

internal import Model
package import Postgres
package import Threading

package final class SideDesk: Sendable {
    private typealias Work = @Sendable (Connection) -> Void

    private struct Desk {
        var work: [Work] = []
        var isClosed = false
    }

    private let desk = Monitor(Desk())
    private let thread: Thread
    package let label: String

    /// What was handed in, on its way.
    package struct Pending<Outcome: Sendable>: Sendable {
        fileprivate let outcome = Monitor<Swift.Result<Outcome, any Error>?>(nil)

        package func wait() throws -> Outcome {
            guard let result = outcome.wait(until: { $0 }) else { preconditionFailure("waited without a limit") }
            return try result.get()
        }
    }

    /// The connection is there when this returns.
    package init(
        _ target: ConnectionTarget, for purpose: SessionPurpose = .control, as application: String, stop: StopSignal,
        prepare: @escaping @Sendable (Connection) throws -> Void
    ) throws {
        label = target.label
        let (desk, opened) = (desk, Pending<Void>())
        thread = try Thread(application) {
            let connection: Connection
            do {
                connection = try Connection(to: target, for: purpose, as: application, stop: stop)
                try prepare(connection)
            } catch {
                opened.outcome.change { $0 = .failure(error) }
                return
            }
            opened.outcome.change { $0 = .success(()) }
            while let work = desk.wait(until: { desk -> Work?? in
                if !desk.work.isEmpty { return .some(desk.work.removeFirst()) }
                return desk.isClosed ? .some(nil) : nil
            }) ?? nil { work(connection) }
        }
        do { try opened.wait() } catch {
            thread.join()
            throw error
        }
    }

    /// Ends once what was handed in is done.
    package func close() {
        desk.change { $0.isClosed = true }
        thread.join()
    }

    package func begin<Outcome: Sendable>(
        _ work: @escaping @Sendable (Connection) throws -> Outcome
    ) -> Pending<Outcome> {
        let pending = Pending<Outcome>()
        desk.change { desk in
            desk.work.append { connection in
                let result = Swift.Result { try work(connection) }
                pending.outcome.change { $0 = result }
            }
        }
        return pending
    }

    package func ask<Outcome: Sendable>(_ work: @escaping @Sendable (Connection) throws -> Outcome) throws -> Outcome {
        try begin(work).wait()
    }
}

package typealias BothDesks = PerSide<SideDesk>

extension PerSide where Value == SideDesk {
    /// The same on both sides at once.
    func both<Outcome: Sendable>(
        _ work: @escaping @Sendable (Side, Connection) throws -> Outcome
    ) throws -> PerSide<Outcome> {
        let (left, right) = (old.begin { try work(.old, $0) }, new.begin { try work(.new, $0) })
        // Both are waited for, also when the first failed: nothing is left running.
        let (first, second) = (Swift.Result { try left.wait() }, Swift.Result { try right.wait() })
        return PerSide<Outcome>(old: try first.get(), new: try second.get())
    }
}
