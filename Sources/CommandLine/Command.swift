// One command: its name, what follows it, and the words that explain it. It holds no behaviour.

package enum Arguments: Hashable, Sendable {
    case none
    case optional(String)
    case required(String)
    case optionalMany(String)
    case requiredMany(String)

    /// `[TABLE…]`; nothing when there are none.
    var usage: String? {
        switch self {
        case .none: nil
        case .optional(let placeholder), .optionalMany(let placeholder): "[\(placeholder)]"
        case .required(let placeholder), .requiredMany(let placeholder): placeholder
        }
    }

    var accepted: ClosedRange<Int> {
        switch self {
        case .none: 0...0
        case .optional: 0...1
        case .required: 1...1
        case .optionalMany: 0...Int.max
        case .requiredMany: 1...Int.max
        }
    }
}

package struct Command: Sendable {
    /// One word, or several: `config show`.
    package let name: String
    package let summary: String
    /// Paragraphs with empty lines between them; one whose lines begin with a space keeps its lines.
    package let details: String
    package let arguments: Arguments
    package let options: [Option]
    /// A command line, and what it does.
    package let examples: [(String, String)]
    package let isHidden: Bool

    package init(
        name: String, summary: String, details: String = "", arguments: Arguments = .none, options: [Option] = [],
        examples: [(String, String)] = [], isHidden: Bool = false
    ) {
        self.name = name
        self.summary = summary
        self.details = details
        self.arguments = arguments
        self.options = options
        self.examples = examples
        self.isHidden = isHidden
    }

    var words: [String] { name.split(separator: " ").map(String.init) }
}
