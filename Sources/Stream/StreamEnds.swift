// The ends of a stream that are neither an answer from a server nor a finding about its state.

internal import Glibc
package import Model
package import State

/// A stream that was to run up to a position met something an operator must see to.
package struct StreamBlocked: Explained {
    package let problem: StreamStatus.Problem

    package var description: String {
        var text = "replication is blocked"
        if let position = problem.position { text += " before the transaction that ends at \(position)" }
        text += ": \(problem.message)"
        if let state = problem.sqlstate { text += " [\(state)]" }
        return text
    }
    package var hint: String? { problem.hint }
    package var sqlstate: String? { problem.sqlstate }
    package var exitCode: ExitCode { .blocked }
}

/// The slot holds more log than the operator allows, and `on_wal_held: drop` says what then.
struct LogHeldTooLong: Error {
    let held: UInt64
    let limit: Int
}

package enum HostName {
    package static let current: String = {
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, name.count - 1)
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }()
}
