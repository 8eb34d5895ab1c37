// Why a table of Data B cannot be brought along, beyond a failed query.

package import Model

package enum DataBError: Explained {
    /// Something about the table or the servers has to change first.
    case impossible(String, hint: String?)
    /// Nothing is wrong; it can be tried again soon.
    case notYet(String)
    case refused(String, hint: String?)
    case differs(String, hint: String?)
    case incomplete(String)

    package var description: String {
        switch self {
        case .impossible(let what, _), .notYet(let what), .refused(let what, _), .differs(let what, _),
            .incomplete(let what):
            what
        }
    }

    package var hint: String? {
        switch self {
        case .impossible(_, let hint), .refused(_, let hint), .differs(_, let hint): hint
        case .notYet, .incomplete: nil
        }
    }

    package var exitCode: ExitCode {
        switch self {
        case .impossible, .notYet, .incomplete: .failed
        case .refused: .refused
        case .differs: .differs
        }
    }
}
