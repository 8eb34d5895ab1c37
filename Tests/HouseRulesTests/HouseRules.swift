// The rules as pure functions from a manifest and files to violations, each a sentence for the one who broke it.

enum HouseRules {
    static let lineLimit = 600
    static let emptyNames: Set<String> = ["Manager", "Helper", "Util", "Utility", "Utilities", "Common", "Service"]

    /// A target imports exactly the rooms and C modules it lists.
    static func imports(_ target: Manifest.Target, _ files: [SwiftFile], _ manifest: Manifest) -> [String] {
        let houseModules = Set(manifest.targets.map(\.name))
        let listed = Set(target.dependencies)
        var violations: [String] = []
        for file in files {
            for module in file.imports.intersection(houseModules).subtracting(listed).sorted()
            where module != target.name {
                violations.append(
                    "\(file.path) imports \(module), which \(target.name) does not list in Package.swift: list it there, if the architecture allows it, or do without"
                )
            }
        }
        // A placeholder has not had the chance to import anything.
        guard !isPlaceholder(files) else { return violations }
        let imported = files.reduce(into: Set<String>()) { $0.formUnion($1.imports) }
        for module in listed.intersection(houseModules).subtracting(imported).sorted() {
            // Tests list an executable to have it built before they run it.
            if target.kind == .test, manifest[module]?.kind == .executable { continue }
            violations.append(
                "Package.swift lists \(module) for \(target.name), but no file of \(target.path) imports it: remove it")
        }
        return violations
    }

    /// The manifest and the folders name the same rooms.
    static func rooms(_ folders: [String], _ manifest: Manifest) -> [String] {
        let declared = Set(manifest.targets.filter { $0.path.hasPrefix("Sources/") }.map(\.name))
        return Set(folders).subtracting(declared).sorted().map {
            "Sources/\($0) is no target in Package.swift that these tests can read"
        }
            + declared.subtracting(folders).sorted().map {
                "Package.swift declares \($0), but there is no Sources/\($0)"
            }
    }

    /// What Package.swift lists must exist.
    static func dependencies(_ manifest: Manifest) -> [String] {
        let names = Set(manifest.targets.map(\.name))
        return manifest.targets.flatMap { target in
            target.dependencies.filter { !names.contains($0) }.map {
                "\(target.name) lists \($0), which is no target of Package.swift"
            }
        }
    }

    static func access(_ file: SwiftFile) -> [String] {
        file.code.lines.enumerated().compactMap { number, line in
            // `open` is also a function: as an access level it stands before a declaration. `.public` is somebody's case.
            let declares =
                line.firstMatch(of: /(?:^|[^.\w`])(?:public(?![\w`])|open\s+(?:class|func|var|override|subscript)\b)/)
                != nil
            return declares ? "\(file.path):\(number + 1) is public; everything here is package or narrower" : nil
        }
    }

    static func length(_ file: SwiftFile) -> [String] {
        let count = file.lineCount
        return count > lineLimit
            ? ["\(file.path) has \(count) lines, more than \(lineLimit): find its second topic"] : []
    }

    /// `Cluster+Utils.swift` has the parts Cluster and Utils.
    static func name(_ file: SwiftFile) -> [String] {
        let parts = file.name.dropLast(".swift".count).matches(of: /[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])/).map {
            String($0.0)
        }
        let empty = parts.filter { part in
            let word = part.prefix(1).uppercased() + part.dropFirst()
            return emptyNames.contains(word) || (word.hasSuffix("s") && emptyNames.contains(String(word.dropLast())))
        }
        return empty.map { "\(file.path): \"\($0)\" says nothing about what is in it; name it after its topic" }
    }

    /// `grep -q` ends at its first hit, which whoever still writes into the pipe dies of; under `pipefail` the hit is none.
    static func hastyGreps(_ path: String, _ script: String) -> [String] {
        guard script.contains("pipefail") || path.hasPrefix("Tests/Soak/") else { return [] }
        return script.split(separator: "\n", omittingEmptySubsequences: false).enumerated().compactMap { number, line in
            line.contains(/(^|[^|])\|\s*e?grep\s+-[a-zA-Z]*q/)
                ? "\(path):\(number + 1): `| grep -q` misses what it finds; `| grep … >/dev/null` reads to the end"
                : nil
        }
    }

    private static func isPlaceholder(_ files: [SwiftFile]) -> Bool {
        files.allSatisfy { $0.imports.isEmpty }
            && files.flatMap { $0.code.lines }.filter { !$0.allSatisfy(\.isWhitespace) }.count <= 1
    }
}
