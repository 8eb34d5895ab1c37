// What a stream and the copy beside it share.

internal import Apply
internal import InitialCopy
internal import Threading

struct StreamCopy: Sendable {
    let gate: CopyGate
    let run: CopyRun
    /// Ends what is being made on new.
    let making: StopSignal
    let schema: SchemaSteps?

    func end() {
        making.raise()
        run.end()
    }
}
