// One database of a cluster, as psql sees it. Every call is a psql of its own: nothing survives from one to the next; what
// needs an open transaction uses a `Session`.

package struct Database: Sendable {
    package let cluster: Cluster
    package let name: String

    /// A libpq connection string.
    package var connection: String { cluster.connection(database: name) }

    /// Runs the statements, each in its own transaction unless they say otherwise, up to the first that fails; that one
    /// is thrown with everything psql wrote. Returns unaligned rows, `|` between columns, without the last line break.
    @discardableResult
    package func sql(_ statements: String, user: String = "postgres", within limit: Duration = .seconds(120)) throws
        -> String
    {
        try psql(statements, user: user, options: [], within: limit).trimmingNewlines
    }

    /// The rows of one query; nil is NULL. Values may hold anything but the ASCII separators 1D to 1F.
    package func rows(_ query: String, user: String = "postgres") throws -> [[String?]] {
        let null = "\u{1d}NULL\u{1d}"
        var output = try psql(
            query, user: user, options: ["-F", "\u{1f}", "-R", "\u{1e}", "-P", "null=\(null)"], within: .seconds(120))
        guard output.last == "\n" else { return [] }
        output.removeLast()
        return output.split(separator: "\u{1e}", omittingEmptySubsequences: false).map { row in
            row.split(separator: "\u{1f}", omittingEmptySubsequences: false).map { $0 == null ? nil : String($0) }
        }
    }

    /// The first column of the first row; nil when it is NULL, or when there is no row.
    package func value(_ query: String, user: String = "postgres") throws -> String? {
        try rows(query, user: user).first?.first ?? nil
    }

    /// Asks until the first value of the query is the expected one. A query that fails counts as not yet: the server may
    /// be starting, or the table not be there.
    package func wait(for query: String, toBe expected: String, within limit: Duration = .seconds(150)) throws {
        var last = "nothing"
        let lookout = Lookout(query, in: self)
        let arrived = poll(within: limit) { () -> Bool? in
            do {
                let value = try lookout.value()
                last = value ?? "NULL"
                return value == expected ? true : nil
            } catch {
                last = "\(error)"
                return nil
            }
        }
        guard arrived != nil else {
            throw HarnessFailure(
                .timeLimit, "\(query) in \(cluster.name)/\(name) is not \(expected) after \(limit), but: \(last)")
        }
    }

    package func session(user: String = "postgres", applicationName: String = "test session") throws -> Session {
        try Session(self, user: user, applicationName: applicationName)
    }

    /// A psql ready to run, reading statements from its input.
    func psqlCommand(user: String, extra: [String: String] = [:], options: [String]) throws -> Command {
        let fixed = ["-X", "-w", "-q", "-A", "-t", "-v", "VERBOSITY=verbose"]
        let connection = cluster.connection(database: name, user: user, extra: extra)
        var environment = ["PGCLIENTENCODING": "UTF8"]
        if let password = cluster.options.password, user == "postgres" { environment["PGPASSWORD"] = password }
        return Command(
            try cluster.installation.client("psql"), fixed + options + ["-d", connection], environment: environment,
            directory: "/")
    }

    private func psql(_ statements: String, user: String, options: [String], within limit: Duration) throws -> String {
        let command = try psqlCommand(user: user, options: ["-v", "ON_ERROR_STOP=1"] + options)
        let outcome = try command.run(input: statements, within: limit)
        guard outcome.status == .exited(0) else {
            throw HarnessFailure.sql(
                outcome.stderr, statements: statements, database: "\(cluster.name)/\(name)", exitStatus: outcome.status)
        }
        return outcome.stdout
    }
}
