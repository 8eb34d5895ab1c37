// Why a fenced transition came to nothing, or is not known to have come to something.

package import Fence
package import Model

package enum FlipFault: Explained, Equatable {
    /// Undone: users would have had to wait for longer than they may.
    case overBudget(String, by: [Holder])
    /// Refused before anybody waited.
    case tooSlow(String)
    case takenOver

    package var description: String {
        switch self {
        case .overBudget(let what, let holders):
            what + (holders.isEmpty ? "" : "; in the way: " + Holder.listed(holders))
        case .tooSlow(let what): what
        case .takenOver: "`tandem run` has taken over what this command did not bring to an end in time"
        }
    }

    package var hint: String? {
        switch self {
        case .overBudget: "nothing was changed. `limits.pause` is how long writers may be held"
        case .tooSlow: "nobody was held. `tandem lag --watch`; `limits.pause` is how long writers may be held"
        case .takenOver: "`tandem step` shows what became of it"
        }
    }

    package var exitCode: ExitCode { self == .takenOver ? .failed : .refused }
}
