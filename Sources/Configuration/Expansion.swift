// `${NAME}` takes an environment variable, `$${` stands for a literal `${`. Pure.
// It must never say what a variable holds, nor repeat the text around it: that may be a connection string.

internal import Model

enum Expansion {
    struct Problem: Error, Equatable {
        /// Which character of the text it is about, from 0.
        let character: Int
        let message: String
        let hint: String?
    }

    static func isIn(_ text: String) -> Bool {
        var before: Unicode.Scalar?
        for scalar in text.unicodeScalars {
            if before == "$", scalar == "{" { return true }
            before = scalar
        }
        return false
    }

    static func expanded(_ text: String, from environment: [String: String]) throws(Problem) -> String {
        let scalars = Array(text.unicodeScalars)
        var result = String.UnicodeScalarView()
        var at = 0
        while at < scalars.count {
            if scalars[at...].starts(with: "$${".unicodeScalars) {
                result.append(contentsOf: "${".unicodeScalars)
                at += 3
            } else if scalars[at...].starts(with: "${".unicodeScalars) {
                let name = try name(after: at, in: scalars)
                result.append(contentsOf: try value(of: name, at: at, in: environment).unicodeScalars)
                at += name.unicodeScalars.count + 3
            } else {
                result.append(scalars[at])
                at += 1
            }
        }
        return String(result)
    }

    private static func name(after start: Int, in scalars: [Unicode.Scalar]) throws(Problem) -> String {
        let rest = scalars[(start + 2)...]
        guard let end = rest.firstIndex(of: "}") else {
            throw Problem(character: start, message: "`${` has no closing `}`", hint: escapeHint)
        }
        let name = rest[..<end]
        guard !name.isEmpty else {
            throw Problem(character: start, message: "`${}` names no environment variable", hint: escapeHint)
        }
        guard name.enumerated().allSatisfy({ isNamePart($1, isFirst: $0 == 0) }) else {
            throw Problem(
                character: start, message: "between `${` and `}` stands what cannot name an environment variable",
                hint: "names have letters, digits and `_`; \(escapeHint)")
        }
        return String(String.UnicodeScalarView(name))
    }

    private static let escapeHint = "`$${` stands for a literal `${`"

    private static func isNamePart(_ scalar: Unicode.Scalar, isFirst: Bool) -> Bool {
        switch scalar {
        case "A"..."Z", "a"..."z", "_": true
        case "0"..."9": !isFirst
        default: false
        }
    }

    private static func value(
        of name: String, at start: Int, in environment: [String: String]
    ) throws(Problem) -> String {
        if let value = environment[name] { return value }
        let near = nearest(to: name, among: environment.keys)
        throw Problem(
            character: start, message: "the environment variable `\(name)` is not set",
            hint: near.map { "did you mean `\($0)`?" } ?? "set it, or write `$${` for a literal `${`")
    }
}
