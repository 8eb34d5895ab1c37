// What a stream and the copy beside it share.

internal import Apply
internal import InitialCopy

struct StreamCopy: Sendable {
    let gate: CopyGate
    let run: CopyRun

    func end() { run.end() }
}
