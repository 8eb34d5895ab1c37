// A user's connection string taken apart, for what may be said of it and for leading to another database of its server.

internal import CLibPQ

package struct ConnectionWords: Sendable {
    private let words: [(key: String, value: String)]

    /// Nil when libpq cannot read it.
    package init?(_ conninfo: String) {
        guard let options = PQconninfoParse(conninfo, nil) else { return nil }
        defer { PQconninfoFree(options) }
        var words: [(String, String)] = []
        var option = options
        while let key = option.pointee.keyword.map({ String(cString: $0) }) {
            if let value = option.pointee.val.map({ String(cString: $0) }) { words.append((key, value)) }
            option += 1
        }
        self.words = words
    }

    package var hasPassword: Bool { words.contains { ["password", "sslpassword"].contains($0.key) } }

    /// Where it leads, without anything that lets somebody in.
    package var shown: String {
        let kinds = ["service", "host", "hostaddr", "port", "dbname", "user", "sslmode"]
        let all = words.filter { kinds.contains($0.key) && !$0.value.isEmpty }
        return all.isEmpty ? "as the environment says" : all.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
    }

    /// The same server, another database.
    package func leading(to database: String) -> String {
        let others = words.filter { $0.key != "dbname" }
        return (others + [("dbname", database)]).map { "\($0.0)='\(Self.escaped($0.1))'" }.joined(separator: " ")
    }

    private static func escaped(_ value: String) -> String {
        value.replacing("\\", with: "\\\\").replacing("'", with: "\\'")
    }
}
