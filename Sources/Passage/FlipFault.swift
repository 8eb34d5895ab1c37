// Why a fenced transition came to nothing, or is not known to have come to something.

package import Fence
package import Model

package enum FlipFault: Explained, Equatable {
    /// Undone: users would have had to wait for longer than they may.
    case overBudget(String, by: [Holder])
    /// Refused before anybody waited.
    case tooSlow(String, by: [Holder])
    /// So were those whose transactions would have kept the fence waiting for longer than anybody may.
    case longWriters(Side, by: [Holder], seconds: Double)
    /// Whatever is committed on that side would wait for those that are not there.
    case standbysAway(Side, String)
    case takenOver
    /// Neither done nor undone: only that side knows, and does not answer.
    case unknown(Side, pair: String)

    var isUnknown: Bool { if case .unknown = self { true } else { false } }

    package var description: String {
        switch self {
        case .overBudget(let what, let holders), .tooSlow(let what, let holders):
            what + (holders.isEmpty ? "" : "; in the way: " + Holder.listed(holders))
        case .longWriters(let side, let holders, let seconds):
            "writers on \(side.rawValue) did not come to an end within \(Int(seconds.rounded())) s, in which nobody was held: "
                + Holder.listed(holders)
        case .unknown(let side, let pair): "whether \(side.rawValue) of \(pair) has committed is not known yet"
        case .standbysAway(_, let what): what
        case .takenOver: "`tandem run` has taken over what this command did not bring to an end in time"
        }
    }

    package var hint: String? {
        switch self {
        case .overBudget: "nothing was changed. `limits.pause` is how long writers may be held"
        case .tooSlow: "nobody was held. `tandem lag --watch`; `limits.pause` is how long writers may be held"
        case .longWriters(_, let holders, _): Holder.remedy(holders)
        case .standbysAway(let side, _):
            "bring back who is missing, or take it out of synchronous_standby_names on \(side.rawValue): before that nobody's commits"
                + " there come to an end"
        case .takenOver: "`tandem step` shows what became of it"
        case .unknown:
            "nothing else is changed until it answers: then `tandem run`, or the same command, completes it or takes it back"
        }
    }

    package var exitCode: ExitCode {
        switch self {
        case .overBudget, .tooSlow, .longWriters, .standbysAway: .refused
        case .takenOver, .unknown: .failed
        }
    }
}
