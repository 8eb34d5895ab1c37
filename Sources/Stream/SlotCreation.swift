// Making a slot, which waits for every transaction that is open on its server; who that is, is said while it waits.

internal import Model
internal import Postgres
internal import State
internal import Threading

struct SlotCreation {
    let plan: StreamPlan
    let stop: StopSignal
    let say: @Sendable (String) -> Void

    func create(on replication: Connection) throws -> CreatedSlot {
        let done = StopSignal()
        let (plan, say) = (plan, say)
        let watcher = try Thread("slot watch") {
            guard !done.wait(seconds: 3),
                let connection = try? Connection(to: plan.source, for: .control, as: "\(plan.stream) watch", stop: done)
            else { return }
            let side = SourceSide(connection, plan.stream)
            repeat {
                let holders = ((try? side.openTransactions()) ?? []).joined(separator: "; ")
                if !holders.isEmpty { say("waiting for open transactions on \(plan.stream.source): \(holders)") }
            } while !done.wait(seconds: 5)
        }
        defer {
            done.raise()
            watcher.join()
        }
        return try ReplicationCommands.createSlot(plan.stream, on: replication)
    }
}
