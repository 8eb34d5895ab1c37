// How PostgreSQL's own programs (pg_dump) connect to a server of ours: the user's connection string without what is
// secret, which goes through the environment. Nothing secret may be in `conninfo`: everybody on the machine can read the
// arguments of a program.

internal import CLibPQ

package struct ClientConnection: Sendable {
    /// For the program's `--dbname`.
    package let conninfo: String
    /// To be added to the program's environment.
    package let environment: [String: String]

    package init(_ target: ConnectionTarget, as application: String) throws(PostgresError) {
        let doing = "connecting to \(target.label)"
        guard let options = PQconninfoParse(target.conninfo, nil) else {
            throw PostgresError(.cannotConnect, "the connection string cannot be read", doing: doing)
        }
        defer { PQconninfoFree(options) }
        var words = ["connect_timeout='5'"]
        var environment: [String: String] = [:]
        var option = options
        while let key = option.pointee.keyword.map({ String(cString: $0) }) {
            defer { option += 1 }
            guard let value = option.pointee.val.map({ String(cString: $0) }) else { continue }
            switch key {
            case "password": environment["PGPASSWORD"] = value
            case "sslpassword":
                throw PostgresError(
                    .cannotConnect, "sslpassword cannot be passed on to pg_dump without showing it to others",
                    doing: doing,
                    serverHint: "put it into a connection service file and write service=… instead")
            case "application_name", "fallback_application_name", "client_encoding", "replication": continue
            default: words.append("\(key)=\(Self.quoted(value))")
            }
        }
        words.append("application_name=\(Self.quoted(application))")
        conninfo = words.joined(separator: " ")
        self.environment = environment
    }

    private static func quoted(_ value: String) -> String {
        "'" + value.replacing("\\", with: "\\\\").replacing("'", with: "\\'") + "'"
    }
}
