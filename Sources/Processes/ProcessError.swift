// Why a program could not be run to its end.

internal import Model

package enum ProcessError: Explained {
    case cannotRun(String)
    /// Asked to stop.
    case interrupted
    /// It took too long, and was ended.
    case late(seconds: Double)

    package var description: String {
        switch self {
        case .cannotRun(let reason): reason
        case .interrupted: "stopped on request"
        case .late(let seconds): "it did not end within \(seconds) s"
        }
    }
}
