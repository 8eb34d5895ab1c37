// The SQL that makes one entry of the archive, all of it in one implicit transaction: where it is stored, the definition
// as pg_dump wrote it, whose it is. The same as pg_restore does, statement for statement. Pure.

internal import Model

struct EntryStatement {
    let entry: ArchiveEntry
    /// Of new; others than these are passed over, and the default one is taken.
    let tablespaces: Set<String>

    var sql: String {
        var parts: [String] = []
        if let tablespace = entry.tablespace {
            parts.append("SET default_tablespace = \(literal(tablespaces.contains(tablespace) ? tablespace : ""));")
        }
        if let method = entry.accessMethod, !method.isEmpty, !entry.isPartitioned {
            parts.append("SET default_table_access_method = \(literal(method));")
        }
        parts.append(definition)
        if let method = entry.accessMethod, !method.isEmpty, entry.isPartitioned, let name = described {
            parts.append("ALTER \(name) SET ACCESS METHOD \(quoted(method));")
        }
        if let ownership { parts.append(ownership) }
        return parts.joined(separator: "\n")
    }

    /// Some minor versions keep a number of their own among the options of columns. Their pg_dump leaves it out; one of another
    /// version writes it, and a server that knows nothing of it does not take it.
    private var definition: String {
        guard entry.definition.contains("pg_attver=") else { return entry.definition }
        return entry.definition
            .replacing(#/\nALTER [A-Z ]+ (?:(?!;\n)(?:.|\n))*? SET \(pg_attver=\d+\);/#, with: "")
            .replacing(#/ SET \(pg_attver=\d+, /#, with: " SET (")
            .replacing(#/, pg_attver=\d+(?=[,)])/#, with: "")
    }

    /// A foreign key that is checked in a second step, so that writers wait for a moment only; nil when it cannot be.
    var unvalidatedForeignKey: String? {
        guard entry.kind == "FK CONSTRAINT", entry.definition.hasSuffix(";\n"),
            !entry.definition.hasSuffix(" NOT VALID;\n")
        else { return nil }
        return entry.definition.dropLast(2) + " NOT VALID;\n"
    }

    var ownership: String? {
        guard !entry.owner.isEmpty, !entry.dropStatement.isEmpty, let described else { return nil }
        return "ALTER \(described) OWNER TO \(quoted(entry.owner));"
    }

    private static let named: Set<String> = [
        "COLLATION", "CONVERSION", "DOMAIN", "FOREIGN TABLE", "MATERIALIZED VIEW", "SEQUENCE", "STATISTICS", "TABLE",
        "TEXT SEARCH DICTIONARY", "TEXT SEARCH CONFIGURATION", "TYPE", "VIEW", "PROCEDURAL LANGUAGE", "SCHEMA",
        "EVENT TRIGGER", "FOREIGN DATA WRAPPER", "SERVER",
    ]
    private static let asDropped: Set<String> = [
        "AGGREGATE", "FUNCTION", "OPERATOR", "OPERATOR CLASS", "OPERATOR FAMILY", "PROCEDURE",
    ]

    /// What ALTER calls it; nil for what has no owner of its own.
    private var described: String? {
        if Self.named.contains(entry.kind) {
            let schema = entry.schema.map { $0.isEmpty ? "" : quoted($0) + "." } ?? ""
            return "\(entry.kind) \(schema)\(quoted(entry.tag))"
        }
        guard Self.asDropped.contains(entry.kind), entry.dropStatement.hasPrefix("DROP ") else { return nil }
        var name = entry.dropStatement.dropFirst("DROP ".count)
        while let last = name.last, last == ";" || last.isNewline { name.removeLast() }
        return String(name)
    }
}
