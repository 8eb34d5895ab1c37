// What Package.swift says about the rooms, read from its text: SwiftPM itself cannot be asked while it runs the tests.
// A target it cannot read is an error, and the tests compare the names it found with the folders, so that a new way
// to write a target does not go unchecked.

struct Manifest {
    struct Target: Equatable {
        enum Kind: Equatable { case room, executable, system, test }

        let name: String
        let kind: Kind
        let path: String
        let dependencies: [String]
    }

    let targets: [Target]

    struct Unreadable: Error, CustomStringConvertible {
        let description: String
    }

    /// The names of the calls that declare a target, and what they declare.
    private static let declarations: [(call: String, kind: Target.Kind)] = [
        ("room(", .room), ("hotRoom(", .room), (".target(", .room), (".executableTarget(", .executable),
        (".systemLibrary(", .system),
        ("tests(", .test), (".testTarget(", .test),
    ]

    init(_ text: String) throws {
        guard let start = text.firstRange(of: "let package = Package(")?.upperBound else {
            throw Unreadable(description: "Package.swift: no `let package = Package(`")
        }
        let body = Self.withoutLineComments(text[start...])
        var found: [(place: String.Index, target: Target)] = []
        for (call, kind) in Self.declarations {
            for range in body.ranges(of: call) where Self.isWordStart(range.lowerBound, in: body) {
                found.append((range.lowerBound, try Self.target(kind, Self.arguments(body[range.upperBound...]))))
            }
        }
        targets = found.sorted { $0.place < $1.place }.map(\.target)
    }

    subscript(name: String) -> Target? { targets.first { $0.name == name } }

    private static func target(_ kind: Target.Kind, _ arguments: Substring) throws -> Target {
        let strings = arguments.matches(of: /"([^"\\]*)"/).map { String($0.1) }
        guard let name = strings.first else {
            throw Unreadable(description: "Package.swift: a target without a literal name: \(arguments.prefix(60))")
        }
        let path = arguments.firstMatch(of: /path: "([^"]*)"/).map { String($0.1) }
        let folder = kind == .test ? "Tests" : "Sources"
        return Target(name: name, kind: kind, path: path ?? "\(folder)/\(name)", dependencies: dependencies(arguments))
    }

    /// The strings of the list after `dependencies:`, or of the first list without a label (`room("A", ["B"])`).
    private static func dependencies(_ arguments: Substring) -> [String] {
        let list =
            arguments.firstMatch(of: /dependencies:\s*\[([^\]]*)\]/) ?? arguments.firstMatch(of: /",\s*\[([^\]]*)\]/)
        return list.map { $0.1.matches(of: /"([^"]*)"/).map { String($0.1) } } ?? []
    }

    /// Up to the parenthesis that closes the call.
    private static func arguments(_ text: Substring) throws -> Substring {
        var depth = 1
        for place in text.indices {
            if text[place] == "(" { depth += 1 }
            if text[place] == ")" { depth -= 1 }
            if depth == 0 { return text[..<place] }
        }
        throw Unreadable(description: "Package.swift: unbalanced parentheses after \(text.prefix(60))")
    }

    private static func isWordStart(_ place: String.Index, in text: String) -> Bool {
        guard place > text.startIndex else { return true }
        let before = text[text.index(before: place)]
        return !before.isLetter && !before.isNumber && before != "_" && (before != "." || text[place] == ".")
    }

    private static func withoutLineComments(_ text: Substring) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { line in line.firstRange(of: "//").map { line[..<$0.lowerBound] } ?? line }
            .joined(separator: "\n")
    }
}
