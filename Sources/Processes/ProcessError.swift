// Why a program could not be run to its end.

internal import Model

package enum ProcessError: Explained {
    case cannotRun(String)
    /// Asked to stop.
    case interrupted

    package var description: String {
        switch self {
        case .cannotRun(let reason): reason
        case .interrupted: "stopped on request"
        }
    }
}
