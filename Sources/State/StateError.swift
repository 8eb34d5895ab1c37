// What stands in the way of starting, continuing or removing a stream, beyond a failed query.

package import Model

package enum StateError: Explained {
    /// Nothing was prepared.
    case notPrepared(pair: String)
    case alreadyPrepared(stream: String, at: LSN)
    case alreadyStreaming(stream: String)
    /// Continuing would lose, double or mix up data.
    case unsafe(String, hint: String)
    /// A condition for acting does not hold.
    case refused(String, hint: String)
    case nothingToDo(String)

    package static let copiesByItself = StateError.refused(
        "`initial_copy` is `all`: `tandem run` prepares and copies by itself",
        hint: "`tandem run`; or set `initial_copy: none` to load new yourself from the snapshot that `prepare` holds")

    package var description: String {
        switch self {
        case .notPrepared(let pair): "pair \(pair) has no prepared stream"
        case .alreadyPrepared(let stream, let position): "\(stream) is prepared already, at \(position)"
        case .alreadyStreaming(let stream): "\(stream) has started to stream already"
        case .unsafe(let what, _), .refused(let what, _), .nothingToDo(let what): what
        }
    }

    package var hint: String? {
        switch self {
        case .notPrepared:
            "`tandem run` makes and copies everything; to load new yourself, `initial_copy: none` and `tandem prepare`"
        case .alreadyPrepared:
            "`tandem run` continues from there; `tandem prepare --again` makes a new slot and snapshot, and then new"
                + " must be loaded again"
        case .alreadyStreaming: "`tandem abort` removes it; then it can be prepared afresh"
        case .unsafe(_, let hint), .refused(_, let hint): hint
        case .nothingToDo: nil
        }
    }

    package var exitCode: ExitCode {
        switch self {
        case .notPrepared, .alreadyPrepared, .alreadyStreaming, .refused: .refused
        case .unsafe: .unsafe
        case .nothingToDo: .failed
        }
    }
}
