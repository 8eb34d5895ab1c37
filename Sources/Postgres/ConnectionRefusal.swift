// Why a connection was not made, fit to be shown. libpq repeats the parts of a connection string that it could not
// read, and a password with a space, `@` or `/` in the wrong place is such a part: then nothing quoted is shown.

internal import Model

struct ConnectionRefusal {
    let message: String
    let hint: String?

    init(
        _ libpq: String, _ cause: RefusalCause?, conninfo: String, password: String?, role: String, database: String,
        replicating: Bool
    ) {
        let isAboutServer = libpq.hasPrefix("connection to server") || libpq.hasPrefix("could not connect to server")
        let mayHoldSecret = mayBeSecret(conninfo) && (conninfo.contains("password") || conninfo.contains("@"))
        var shown = libpq
        if mayHoldSecret {
            shown = libpq.split(whereSeparator: \.isNewline)
                .map { Self.withoutQuotes($0, unless: isAboutServer) }.joined(separator: "\n")
        }
        if let password, !password.isEmpty, ![role, database].contains(password) {
            shown = shown.replacing(password, with: "…")
        }
        message = shown
        hint =
            isAboutServer
            ? cause.flatMap { Self.hint($0, role: role, database: database, replicating: replicating) }
            : mayHoldSecret && shown != libpq ? Self.quoting : nil
    }

    /// Between its first and its last quotation mark, because what stands there may hold some itself. A host's name is
    /// shown when it cannot be the end of a password, and so is everything a server said.
    private static func withoutQuotes(_ line: Substring, unless isAboutServer: Bool) -> String {
        guard let first = line.firstIndex(of: "\""), let last = line.lastIndex(of: "\""), first < last else {
            return String(line)
        }
        let isHost = line.hasPrefix("could not translate host name")
        if isAboutServer || isHost, !line[first...last].contains("@") { return String(line) }
        return line[...first] + "…" + line[last...]
    }

    private static let quoting =
        "in the connection string, quote a value that has spaces or quotation marks: password='it\\'s me'; in a URI"
        + " write special characters as %40 (@), %2F (/), %3A (:), %25 (%)"

    private static func hint(_ cause: RefusalCause, role: String, database: String, replicating: Bool) -> String? {
        if cause.isMissingHBALine {
            return "add to that server's pg_hba.conf, and reload it: host \(hbaName(database)) \(hbaName(role))"
                + " ADDRESS/32 scram-sha-256 (`local` without address for a socket, `hostssl` to demand TLS; a line for"
                + " `replication` does not help, logical replication connects to the database)"
        }
        if replicating, cause.lacksReplication {
            return "ALTER ROLE \(visiblyQuoted(role)) REPLICATION;"
        }
        return nil
    }

    private static func hbaName(_ name: String) -> String { visiblyQuoted(name) }
}
