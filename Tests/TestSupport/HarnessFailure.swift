// What goes wrong in the test bed itself or in what it was asked to run. Everything a reader of a test report needs is
// in the description; a caller that expects a failure looks at `sqlstate` or `exitStatus`.

package struct HarnessFailure: Error, CustomStringConvertible, Sendable {
    package enum Kind: Sendable, Equatable {
        /// The machine lacks something, or a cluster could not be made.
        case setUp
        /// PostgreSQL refused a statement.
        case sql
        /// A program ended other than it should.
        case command
        /// Something did not happen in time.
        case timeLimit
    }

    package let kind: Kind
    package let message: String
    /// Of the first error PostgreSQL reported, when it reported one.
    package let sqlstate: String?
    package let exitStatus: ExitStatus?

    package init(_ kind: Kind, _ message: String, sqlstate: String? = nil, exitStatus: ExitStatus? = nil) {
        self.kind = kind
        self.message = message
        self.sqlstate = sqlstate
        self.exitStatus = exitStatus
    }

    package var description: String { message }
}

extension HarnessFailure {
    /// From what psql with `VERBOSITY=verbose` wrote to stderr.
    static func sql(_ stderr: String, statements: String, database: String, exitStatus: ExitStatus?) -> HarnessFailure {
        let shown = statements.count > 2000 ? statements.prefix(2000) + " …" : statements[...]
        return HarnessFailure(
            .sql, "\(stderr.trimmingNewlines)\nin database \(database):\n\(shown)", sqlstate: sqlstate(in: stderr),
            exitStatus: exitStatus)
    }

    /// `ERROR:  42P01: relation …` holds `42P01`.
    private static func sqlstate(in stderr: String) -> String? {
        for line in stderr.split(separator: "\n") {
            guard let severity = ["ERROR:  ", "FATAL:  ", "PANIC:  "].first(where: line.contains) else { continue }
            guard let start = line.firstRange(of: severity)?.upperBound else { continue }
            let code = line[start...].prefix(5)
            if code.count == 5, code.allSatisfy({ $0.isNumber || ($0.isASCII && $0.isUppercase) }) {
                return String(code)
            }
        }
        return nil
    }
}

extension StringProtocol {
    var trimmingNewlines: String {
        var rest = self[...]
        while rest.last?.isNewline == true { rest.removeLast() }
        return String(rest)
    }
}
