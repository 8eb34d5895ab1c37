// What an operator can do about a failure that may also pass by itself. It is shown while the batch is tried again.

internal import Model
internal import Postgres

extension ApplyFailure {
    func passingHint(_ stream: StreamName) -> String? {
        let to = stream.target
        if case .unseen = self {
            return "does synchronous_standby_names on \(stream.source) name a standby that is away, or this stream?"
        }
        return switch sqlState {
        case "25006": "\(to) is read-only: is it a standby now, or does its database or role say so?"
        case "53100": "\(to) has no disk space left: free some; replication goes on by itself"
        case "53200":
            "\(to) has no memory or no room for locks left: raise max_locks_per_transaction there if it says so, and restart it"
        case "53300": "\(to) has no connection left for tandem: raise max_connections or the role's limit"
        case "53400": "a limit that is configured on \(to) was reached: raise it"
        default: nil
        }
    }
}
