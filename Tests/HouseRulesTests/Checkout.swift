// The repository these tests were compiled from: its Swift files and its manifest.

internal import Foundation

struct SwiftFile {
    /// Relative to the repository.
    let path: String
    let source: String
    let code: SourceText

    var name: String { String(path.split(separator: "/").last ?? "") }

    var lineCount: Int { source.split(separator: "\n", omittingEmptySubsequences: false).count }

    /// The modules named by its `import` lines.
    var imports: Set<String> {
        let line =
            /^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?import\s+(?:(?:struct|class|enum|protocol|typealias|func|let|var|actor)\s+)?(\w+)/
        return Set(code.lines.compactMap { $0.firstMatch(of: line).map { String($0.1) } })
    }
}

struct Checkout {
    static let root = String(#filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined())

    /// Reading all of it takes longer than any rule.
    static let current = Result { try Checkout() }

    let manifest: Manifest
    let files: [SwiftFile]

    private init() throws {
        manifest = try Manifest(String(contentsOfFile: "\(Self.root)/Package.swift", encoding: .utf8))
        files = try ["Sources", "Tests", "Benchmarks"].flatMap(Self.swiftFiles)
    }

    func files(under path: String) -> [SwiftFile] { files.filter { $0.path.hasPrefix(path + "/") } }

    /// The folders directly under Sources.
    static func rooms() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(root)/Sources").filter { !$0.hasPrefix(".") }.sorted()
    }

    /// What a shell runs, or sources, directly in a folder.
    static func scripts(_ folder: String) throws -> [(path: String, text: String)] {
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(root)/\(folder)").sorted()
        return names.compactMap { name in
            guard let text = try? String(contentsOfFile: "\(root)/\(folder)/\(name)", encoding: .utf8) else {
                return nil
            }
            let isShell = name.hasSuffix("sh") || (text.hasPrefix("#!") && text.prefix(60).contains("sh\n"))
            return isShell ? ("\(folder)/\(name)", text) : nil
        }
    }

    private static func swiftFiles(_ folder: String) throws -> [SwiftFile] {
        let all = FileManager.default.enumerator(atPath: "\(root)/\(folder)")?.compactMap { $0 as? String } ?? []
        return try all.filter { $0.hasSuffix(".swift") && !$0.contains(".build") }.sorted().map { name in
            let source = try String(contentsOfFile: "\(root)/\(folder)/\(name)", encoding: .utf8)
            return SwiftFile(path: "\(folder)/\(name)", source: source, code: SourceText(source))
        }
    }
}
