// Data B beside the stream: begun with the runner's lock, and waited for when the run has an end.

internal import DataB
internal import InitialCopy
internal import Model
internal import State
internal import Threading

extension StreamRunner {
    /// Beside the stream, for as long as this runner has the lock. Nil when there is none, or nothing to lay it over yet.
    func startDataB(_ side: TargetSide, _ copy: StreamCopy?) throws -> DataBRun? {
        guard !plan.dataB.tables.isEmpty, try side.binding() != nil else { return nil }
        var finish: (@Sendable (QualifiedName) throws -> Void)?
        if let schema = copy?.schema { finish = { table in try schema.finish(table) } }
        let run = DataBRun(
            plan.dataB, finish: finish, isCopied: { copy?.run.isComplete ?? true }, atOnce: until != nil, log: log)
        try run.start()
        return run
    }

    /// With an end, that includes one batch of each table; what failed is named.
    func waitForDataB(_ run: DataBRun) -> (any Error)? {
        while !run.allTried { if stop.wait(seconds: 0.1) { return nil } }
        let failing = run.failing
        guard !failing.isEmpty else { return nil }
        return DataBError.incomplete(
            "Data B is not complete: \(failing.prefix(10).map(\.description).joined(separator: ", ")) failed")
    }
}
