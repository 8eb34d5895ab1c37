// Just enough of a shell's grammar to find the commands in the documents' blocks, and the words of each. Nothing is expanded.

struct ShellText {
    /// The words of each simple command, in order.
    private(set) var commands: [[String]] = []
    private var words: [String] = []
    private var word: String?

    init(_ text: String) {
        var waiting: String?
        for line in text.replacing("\\\n", with: " ").split(separator: "\n", omittingEmptySubsequences: false) {
            if let end = waiting {
                if line == end { waiting = nil }
                continue
            }
            waiting = line.firstMatch(of: /<<'?(\w+)'?/).map { String($0.1) }
            read(line.replacing(/<<'?\w+'?/, with: ""))
            endCommand()
        }
    }

    private mutating func read(_ line: some StringProtocol) {
        var rest = line[...]
        while let letter = rest.popFirst() {
            switch letter {
            case "'", "\"":
                word = (word ?? "") + rest.prefix { $0 != letter }
                rest = rest.drop { $0 != letter }.dropFirst()
            case "\\":
                if let next = rest.popFirst() { word = (word ?? "") + String(next) }
            case " ", "\t": endWord()
            case "#" where word == nil: return
            case ";", "|", "(", ")":
                endWord()
                endCommand()
            case "&":
                if word == ">" || word == "2>" { word?.append("&") } else { endCommand() }
            default: word = (word ?? "") + String(letter)
            }
        }
    }

    private mutating func endWord() {
        defer { word = nil }
        guard let word else { return }
        // Where output goes is nothing that a command sees.
        if word.firstMatch(of: /^[0-9]?>/) != nil { return }
        words.append(word)
    }

    private mutating func endCommand() {
        endWord()
        let keywords: Set = ["do", "then", "if", "until", "while", "!", "else", "exec", "$"]
        let kept = words.drop { keywords.contains($0) || $0.firstMatch(of: /^[A-Za-z_]\w*=/) != nil }
        if !kept.isEmpty { commands.append(Array(kept)) }
        words = []
    }
}
