// What every error that reaches an operator can say: what happened, what to do about it, and how the command ends.

package enum ExitCode: Int32, Sendable, CaseIterable {
    case done = 0
    case failed = 1
    case usage = 2
    case refused = 3
    case differs = 4
    case blocked = 5
    case unsafe = 6
}

package protocol Explained: Error, CustomStringConvertible {
    /// One sentence: what could not be done, and why.
    var description: String { get }
    /// What the operator can do about it; nil when the description says it all.
    var hint: String? { get }
    var exitCode: ExitCode { get }
    /// What PostgreSQL calls it, where it was PostgreSQL's.
    var sqlstate: String? { get }
}

extension Explained {
    package var sqlstate: String? { nil }
    package var hint: String? { nil }
    package var exitCode: ExitCode { .failed }
}
