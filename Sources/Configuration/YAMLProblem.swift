// What libyaml could not read, put into words an operator can use. libyaml's own texts are fixed ones: they never
// repeat what the file holds.

internal import CYAML

struct YAMLProblem {
    private let kind: yaml_error_type_t
    private let text: String
    private let context: String
    private let mark: yaml_mark_t
    private let contextMark: yaml_mark_t
    private let byte: Int

    init(_ parser: yaml_parser_t) {
        kind = parser.error
        text = parser.problem.map { String(cString: $0) } ?? "this cannot be read"
        context = parser.context.map { String(cString: $0) } ?? ""
        mark = parser.problem_mark
        contextMark = parser.context_mark
        byte = parser.problem_offset
    }

    func error(in source: SourceText) -> ConfigurationError {
        if kind == YAML_MEMORY_ERROR { return source.error("there is not enough memory to read this", at: nil) }
        if kind == YAML_READER_ERROR { return source.error(text, at: source.place(ofByte: byte)) }
        if context == "while scanning an alias" { return YAMLProblem.alias(at: Place(contextMark), in: source) }
        let place = Place(mark)
        let message = context.isEmpty ? text : "\(text), \(context)"
        return source.error(message, at: place, hint: YAMLProblem.hint(place, in: source))
    }

    static func alias(at place: Place, in source: SourceText) -> ConfigurationError {
        source.error(
            "an alias (`*name`) is not accepted here", at: place,
            hint: "a pattern that begins with `*` stands in quotes: \"*.audit_*\"")
    }

    private static func hint(_ place: Place, in source: SourceText) -> String? {
        let line = source.line(place.line)
        if line.unicodeScalars.prefix(place.column).last == "\t" {
            return "YAML is indented with spaces, not with tabs"
        }
        let lineBefore = source.line(place.line - 1)
        guard [line, lineBefore].contains(where: { $0.split(separator: "\"").contains(".") }) else { return nil }
        return "a name in double quotes needs single quotes around all of it: '\"Sales\".\"Odd.Name\"'"
    }
}
