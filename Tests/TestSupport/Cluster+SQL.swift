// SQL on a cluster by database name. `Database` has the same without repeating the name.

extension Cluster {
    package subscript(database: String) -> Database { Database(cluster: self, name: database) }

    @discardableResult
    package func createDatabase(_ name: String, _ options: String = "") throws -> Database {
        try sql("CREATE DATABASE \(sqlIdentifier(name)) \(options)")
        return self[name]
    }

    /// A libpq connection string.
    package func connection(
        database: String = "postgres", user: String = "postgres", overTCP: Bool = false, extra: [String: String] = [:]
    ) -> String {
        var parts = [
            ("host", overTCP ? "127.0.0.1" : socketDirectory), ("port", String(port)), ("dbname", database),
            ("user", user),
        ]
        parts += extra.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        return parts.map { "\($0)=\(Self.connectionValue($1))" }.joined(separator: " ")
    }

    @discardableResult
    package func sql(_ statements: String, database: String = "postgres") throws -> String {
        try self[database].sql(statements)
    }

    package func rows(_ query: String, database: String = "postgres") throws -> [[String?]] {
        try self[database].rows(query)
    }

    package func value(_ query: String, database: String = "postgres") throws -> String? {
        try self[database].value(query)
    }

    package func wait(
        for query: String, toBe expected: String, within limit: Duration = .seconds(150), database: String = "postgres"
    ) throws {
        try self[database].wait(for: query, toBe: expected, within: limit)
    }

    private static func connectionValue(_ value: String) -> String {
        let plain = value.unicodeScalars.allSatisfy {
            $0.properties.isAlphabetic || "0123456789_./-".contains(Character($0))
        }
        if plain && !value.isEmpty { return value }
        return "'\(value.replacing("\\", with: "\\\\").replacing("'", with: "\\'"))'"
    }
}

package func sqlIdentifier(_ name: String) -> String { "\"\(name.replacing("\"", with: "\"\""))\"" }

/// For servers with standard_conforming_strings, which is every one here that was not told otherwise.
package func sqlLiteral(_ text: String) -> String { "'\(text.replacing("'", with: "''"))'" }
