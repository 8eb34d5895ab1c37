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

    /// For SQL that somebody pastes: always quoted, on one line, nothing in it invisible.
    package var pasteable: String { visiblyQuoted(schema) + "." + visiblyQuoted(name) }

    /// For people: quoted only where PostgreSQL would need it, on one line, nothing in it invisible. What is shown can be
    /// written in the configuration and on the command line.
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
        return plain ? part : visiblyQuoted(part)
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

/// The same where a person reads or pastes it: what could not be seen is written as `U&"a\\000Ab"`, which SQL reads.
package func visiblyQuoted(_ identifier: String) -> String {
    guard identifier.unicodeScalars.contains(where: isInvisible) else { return quoted(identifier) }
    var result = "U&\""
    for scalar in identifier.unicodeScalars {
        switch scalar {
        case "\"", "\\": result += String(repeating: Character(scalar), count: 2)
        case _ where isInvisible(scalar):
            let digits = String(scalar.value, radix: 16, uppercase: true)
            let width = digits.count > 4 ? 6 : 4
            result += (width == 6 ? "\\+" : "\\") + String(repeating: "0", count: width - digits.count) + digits
        default: result.unicodeScalars.append(scalar)
        }
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

/// One word for a POSIX shell; where the text has what cannot be seen, for one that knows `$'…'`.
package func shellQuoted(_ text: String) -> String {
    let isVisible = !text.unicodeScalars.contains(where: isInvisible)
    var result = isVisible ? "'" : "$'"
    for scalar in text.unicodeScalars {
        switch scalar {
        case "'": result += isVisible ? "'\\''" : "\\'"
        case "\\" where !isVisible: result += "\\\\"
        case _ where isInvisible(scalar):
            for byte in UTF8.encode(scalar) ?? .init() {
                result += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "'"
}

/// Control and format characters and the separators of lines: zero-width ones, those that turn the direction of writing.
private func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: true
    default: false
    }
}

/// What could forge a line or repaint a screen: controls, separators of lines, and what turns the direction of writing.
private func isTreacherous(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: true
    case .format: scalar.properties.isBidiControl
    default: false
    }
}

/// Text from outside made safe for a terminal or a log line: control characters become `\n`, `\e`, `\u{…}`.
package func withoutControls(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isTreacherous) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\n": result += "\\n"
        case "\t": result += "\\t"
        case "\r": result += "\\r"
        case "\u{1b}": result += "\\e"
        case _ where isTreacherous(scalar): result += "\\u{" + String(scalar.value, radix: 16) + "}"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}
