// What a person sees: standard output for answers, standard error for problems; numbers in a readable size.

internal import Foundation
internal import Glibc
internal import Model

enum Terminal {
    static var isInteractive: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1 }
    static var hasScreen: Bool { isatty(STDOUT_FILENO) == 1 }
    static var usesColor: Bool {
        hasScreen && (ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty
            && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    }

    static var screenSize: (columns: Int, lines: Int) { size(STDOUT_FILENO) }
    static var width: Int { size(STDOUT_FILENO).columns }

    /// Where something can be redrawn below the log.
    static var hasLogScreen: Bool {
        isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    }
    static var colorsLog: Bool {
        hasLogScreen && (ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty
    }
    static var logSize: (columns: Int, lines: Int) { size(STDERR_FILENO) }

    /// Letters beyond ASCII come out.
    static var isUnicode: Bool {
        let environment = ProcessInfo.processInfo.environment
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        return locale.lowercased().contains("utf")
    }

    private static func size(_ descriptor: Int32) -> (columns: Int, lines: Int) {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 20 else { return (80, 24) }
        return (Int(size.ws_col), size.ws_row > 4 ? Int(size.ws_row) : 24)
    }

    /// On a screen: broken between words where the line ends, and going on so far to the right. Otherwise as it is, for whoever
    /// reads it line by line.
    static func folded(_ line: String, below indent: Int) -> String {
        guard hasScreen else { return line }
        return folded(line, below: indent, width: width)
    }

    static func folded(_ line: String, below indent: Int, width: Int) -> String {
        guard width > indent + 20 else { return line }
        var (result, room) = ("", width)
        for (place, word) in line.split(separator: " ", omittingEmptySubsequences: false).enumerated() {
            let length = word.replacing(/\u{1b}\[[0-9;]*m/, with: "").count
            if place > 0, length + 1 > room, result.contains(where: { $0 != " " }) {
                result += "\n" + String(repeating: " ", count: indent) + word
                room = width - indent - length
            } else {
                result += (place > 0 ? " " : "") + word
                room -= length + (place > 0 ? 1 : 0)
            }
        }
        return result
    }

    static func show(_ text: String) {
        try? FileHandle.standardOutput.write(contentsOf: Data((text + "\n").utf8))
    }

    static func note(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data((text + "\n").utf8))
    }

    static func complain(_ error: any Error) {
        note("tandem: \(withoutControls("\(error)"))")
        if let hint = (error as? any Explained)?.hint { note("        \(withoutControls(hint))") }
    }

    static func strong(_ text: String) -> String { usesColor ? "\u{1b}[1m\(text)\u{1b}[0m" : text }
    static func alarming(_ text: String) -> String { usesColor ? "\u{1b}[31m\(text)\u{1b}[0m" : text }

    static func json(_ value: some Encodable) { show(jsonText(value)) }

    static func jsonText(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.dateEncodingStrategy = .iso8601
        return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "null"
    }
}

/// `1 table`, `2 tables`.
func counted(_ number: Int, _ thing: String) -> String { "\(number) \(thing)\(number == 1 ? "" : "s")" }

func readable(bytes: UInt64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"]
    var value = Double(bytes)
    var unit = 0
    while value >= 1024 && unit < units.count - 1 {
        value /= 1024
        unit += 1
    }
    return unit == 0 ? "\(bytes) B" : String(format: value < 10 ? "%.1f %@" : "%.0f %@", value, units[unit])
}

func readable(seconds: Double) -> String {
    switch seconds {
    case ..<0.0995: String(format: "%.0f ms", max(seconds * 1000, seconds > 0 ? 1 : 0))
    case ..<10: String(format: "%.2f s", seconds)
    case ..<120: String(format: "%.0f s", seconds)
    case ..<7200: String(format: "%.0f min", seconds / 60)
    case ..<172_800: String(format: "%.0f h", seconds / 3600)
    default: String(format: "%.0f d", seconds / 86_400)
    }
}
