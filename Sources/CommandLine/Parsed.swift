// A command line that was understood.

package enum Invocation: Hashable, Sendable {
    /// A text to print, without a newline at its end.
    case help(String)
    case version(String)
    case run(Parsed)
}

package struct Parsed: Hashable, Sendable {
    package let command: String
    package let arguments: [String]
    /// By long name; a flag has empty values, one for each time it stood there.
    private let given: [String: [String]]

    package init(command: String, arguments: [String] = [], given: [String: [String]] = [:]) {
        self.command = command
        self.arguments = arguments
        self.given = given
    }

    package func has(_ flag: String) -> Bool { given[flag] != nil }

    package func value(_ option: String) -> String? { given[option]?.last }

    package func values(_ option: String) -> [String] { given[option] ?? [] }
}
