// Names as PostgreSQL knows them, and the one place where they are quoted.

package struct QualifiedName: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let schema: String
    package let name: String

    package init(schema: String, name: String) {
        self.schema = schema
        self.name = name
    }

    /// For SQL: both parts always quoted.
    package var sql: String { quoted(schema) + "." + quoted(name) }

    /// For people: quoted only where PostgreSQL would need it, control characters made visible.
    package var description: String { readable(schema) + "." + readable(name) }

    // By bytes, as PostgreSQL compares names: Swift's own equality takes composed and decomposed letters for the same.
    package static func == (left: QualifiedName, right: QualifiedName) -> Bool {
        sameName(left.schema, right.schema) && sameName(left.name, right.name)
    }

    package func hash(into hasher: inout Hasher) {
        for byte in schema.utf8 { hasher.combine(byte) }
        hasher.combine(0 as UInt8)
        for byte in name.utf8 { hasher.combine(byte) }
    }

    package static func < (left: QualifiedName, right: QualifiedName) -> Bool {
        if !sameName(left.schema, right.schema) { return left.schema.utf8.lexicographicallyPrecedes(right.schema.utf8) }
        return left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
    }

    private func readable(_ part: String) -> String {
        let plain =
            !part.isEmpty
            && part.unicodeScalars.enumerated().allSatisfy { place, scalar in
                scalar == "_" || ("a"..."z").contains(scalar) || (place > 0 && ("0"..."9").contains(scalar))
            }
        return plain ? part : quoted(withoutControls(part))
    }
}

/// Whether two names are the same to PostgreSQL: byte for byte.
package func sameName(_ left: String, _ right: String) -> Bool { left.utf8.elementsEqual(right.utf8) }

/// An identifier for SQL, always in double quotes.
package func quoted(_ identifier: String) -> String {
    var result = "\""
    for scalar in identifier.unicodeScalars {
        if scalar == "\"" { result.unicodeScalars.append(scalar) }
        result.unicodeScalars.append(scalar)
    }
    return result + "\""
}

/// A string constant for SQL. Backslashes are doubled in the `E''` form, so no server setting changes its meaning.
package func literal(_ text: String) -> String {
    var result = ""
    var escaped = false
    for scalar in text.unicodeScalars {
        if scalar == "'" || scalar == "\\" { result.unicodeScalars.append(scalar) }
        if scalar == "\\" { escaped = true }
        result.unicodeScalars.append(scalar)
    }
    return escaped ? " E'\(result)'" : "'\(result)'"
}

/// Text from outside made safe for a terminal or a log line: control characters become `\n`, `\e`, `\u{…}`.
package func withoutControls(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\n": result += "\\n"
        case "\t": result += "\\t"
        case "\r": result += "\\r"
        case "\u{1b}": result += "\\e"
        case _ where scalar.properties.generalCategory == .control:
            result += "\\u{" + String(scalar.value, radix: 16) + "}"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}
