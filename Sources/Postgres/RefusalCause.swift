// What a server meant by refusing a connection, whatever language it says it in: the SQLSTATE, and the function of its
// source that refused, which tells apart what shares a SQLSTATE. Read from libpq's verbose message; nothing is shown.

internal import Foundation

struct RefusalCause: Sendable {
    let state: SQLState
    let function: String

    /// Several hosts may have refused: the last one counts, as it does for libpq.
    init?(verbose message: String) {
        var found: (state: SQLState?, function: String) = (nil, "")
        for line in message.split(whereSeparator: \.isNewline) {
            // "… FATAL:  28000: no pg_hba.conf entry …", "LOCATION:  ClientAuthentication, auth.c:543"
            guard let place = line.range(of: ":  ") else { continue }
            let rest = line[place.upperBound...]
            if let state = Self.state(rest) {
                found = (state, "")
            } else if let comma = rest.firstIndex(of: ","), rest[comma...].contains(".c:") {
                found.function = String(rest[..<comma])
            }
        }
        guard let state = found.state else { return nil }
        self.state = state
        function = found.function
    }

    private static func state(_ rest: Substring) -> SQLState? {
        let code = rest.prefix(5)
        guard code.utf8.count == 5, rest.dropFirst(5).hasPrefix(": "),
            code.allSatisfy({ $0.isASCII && ($0.isNumber || $0.isUppercase) })
        else { return nil }
        return SQLState(String(code))
    }

    /// A server's own message begins with its severity and two blanks, in every language.
    static func isServers(_ message: String) -> Bool { message.contains(":  ") }

    var isMissingHBALine: Bool { state == "28000" && function == "ClientAuthentication" }
    /// The role may not start a walsender.
    var lacksReplication: Bool { state == "42501" && function == "InitPostgres" }
}
