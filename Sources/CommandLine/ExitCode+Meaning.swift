// What exit codes mean to the one who runs a command: the same few words in help and in the manual page.

internal import Model

extension ExitCode {
    var meaning: String {
        switch self {
        case .done: "done"
        case .failed: "failed"
        case .usage: "usage or configuration"
        case .refused: "a gate or check refused"
        case .differs: "the sides differ"
        case .blocked: "replication is blocked and waits for an operator"
        case .unsafe: "unsafe to continue"
        }
    }
}
