// What can stand in the way of recreating a schema: a refusal before anything was made, objects that could not be made, or
// a program that failed. Never a row value, never a connection string.

package import Model
package import Postgres
internal import Processes

/// Something that was found in one look at both sides, and what mends it.
package struct SchemaProblem: Sendable, Equatable {
    package let message: String
    package let remedy: String?

    init(_ message: String, remedy: String? = nil) {
        self.message = message
        self.remedy = remedy
    }
}

/// One object that new would not take.
package struct ObjectFailure: Sendable {
    /// Kind and name.
    package let object: String
    package let error: PostgresError
}

package enum SchemaError: Explained {
    /// Nothing was made; all that was found is in it.
    case refused([SchemaProblem])
    case objects([ObjectFailure], skipped: Int)
    case failed(String, hint: String?)
    /// Asked to stop.
    case interrupted

    package var description: String {
        switch self {
        case .refused(let problems):
            return "the schema cannot be copied: " + Self.joined(problems.map(\.message))
        case .objects(let failures, let skipped):
            let rest = skipped > 0 ? "; \(skipped) more depend on them" : ""
            return "new does not take " + Self.joined(failures.map { "\($0.object) (\(Self.reason($0.error)))" }) + rest
        case .failed(let message, _): return message
        case .interrupted: return "copying the schema: stopped on request"
        }
    }

    package var hint: String? {
        switch self {
        case .refused(let problems):
            let remedies = problems.compactMap(\.remedy)
            return remedies.isEmpty ? nil : remedies.joined(separator: " ")
        case .objects(let failures, _):
            return failures.compactMap(\.error.hint).first
                ?? "mend what the message says, on old or on new, and start again: what is there already is kept"
        case .failed(_, let hint): return hint
        case .interrupted: return nil
        }
    }

    package var exitCode: ExitCode {
        switch self {
        case .refused: .refused
        case .objects, .failed, .interrupted: .failed
        }
    }

    init(_ error: ProcessError) {
        switch error {
        case .cannotRun(let reason): self = .failed(reason, hint: nil)
        case .interrupted, .late: self = .interrupted
        }
    }

    private static func joined(_ parts: [String]) -> String {
        let rest = parts.count > 20 ? "; and \(parts.count - 20) more" : ""
        return parts.prefix(20).joined(separator: "; ") + rest
    }

    private static func reason(_ error: PostgresError) -> String {
        withoutControls(error.message) + (error.sqlState.map { " [\($0)]" } ?? "")
    }
}
