// A ledger's line: one entry, words between spaces, the same bytes for the same entry. Written and read here, side by side.

internal import Model

extension LedgerEntry {
    /// Without the line break.
    package var line: String {
        switch self {
        case .started(let instance, let run, let at): "start \(instance) \(run) \(at)"
        case .mode(let mode, let at): "mode \(mode) \(at)"
        case .intent(let intent):
            "intent \(intent.token) \(intent.operation) \(intent.mode) \(intent.began)"
                + intent.effects.map { " " + $0.word }.joined()
        case .acknowledged(let token, let at): "ack \(token) \(at)"
        case .failed(let token, let state, let at): "fail \(token) \(state) \(at)"
        case .doubtful(let token, let state, let at): "doubt \(token) \(state) \(at)"
        case .read(let reading):
            "read \(reading.mode) \(reading.isNew ? "new" : "old") \(reading.began) \(reading.ended)"
                + reading.sights.map { " " + $0.word }.joined()
        }
    }

    /// Nil when it is not one.
    package init?(line: Substring) {
        let words = line.split(separator: " ", omittingEmptySubsequences: false)
        guard let first = words.first, let entry = Self.read(first, Array(words.dropFirst())) else { return nil }
        self = entry
    }

    private static func read(_ kind: Substring, _ words: [Substring]) -> LedgerEntry? {
        switch (kind, words.count) {
        case ("start", 3):
            guard let at = Int64(words[2]), let instance = name(words[0]) else { return nil }
            return .started(instance: instance, run: String(words[1]), at: at)
        case ("mode", 2):
            guard let mode = Int(words[0]), let at = Int64(words[1]) else { return nil }
            return .mode(mode, at: at)
        case ("ack", 2):
            guard let token = name(words[0]), let at = Int64(words[1]) else { return nil }
            return .acknowledged(token: token, at: at)
        case ("fail", 3), ("doubt", 3):
            guard let token = name(words[0]), let at = Int64(words[2]) else { return nil }
            let state = String(words[1])
            return kind == "fail"
                ? .failed(token: token, state: state, at: at) : .doubtful(token: token, state: state, at: at)
        case ("intent", 4...): return intent(words)
        case ("read", 4...): return reading(words)
        default: return nil
        }
    }

    private static func intent(_ words: [Substring]) -> LedgerEntry? {
        guard let token = name(words[0]), let mode = Int(words[2]), let began = Int64(words[3]) else { return nil }
        var effects: [Effect] = []
        for word in words.dropFirst(4) {
            guard let effect = Effect(word: word) else { return nil }
            effects.append(effect)
        }
        return .intent(
            Intent(token: token, operation: String(words[1]), mode: mode, began: began, effects: effects))
    }

    private static func reading(_ words: [Substring]) -> LedgerEntry? {
        guard let mode = Int(words[0]), ["old", "new"].contains(words[1]), let began = Int64(words[2]),
            let ended = Int64(words[3])
        else { return nil }
        var sights: [Sight] = []
        for word in words.dropFirst(4) {
            guard let sight = Sight(word: word) else { return nil }
            sights.append(sight)
        }
        return .read(Reading(mode: mode, isNew: words[1] == "new", began: began, ended: ended, sights: sights))
    }

    private static func name(_ word: Substring) -> String? { word.isEmpty ? nil : String(word) }
}

extension Effect {
    /// `=stock:17/5/-2/998`
    fileprivate var word: String { "\(kind.rawValue)\(key)/\(version)/\(delta)/\(after)" }

    fileprivate init?(word: Substring) {
        let parts = word.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        guard let kind = word.first.flatMap(Kind.init(rawValue:)), parts.count == 4, !parts[0].isEmpty,
            let version = Int(parts[1]), let delta = Int(parts[2]), let after = Int(parts[3])
        else { return nil }
        self.init(kind, String(parts[0]), version: version, delta: delta, after: after)
    }
}

extension Sight {
    /// `stock:17/5/web-1.x.9`, `stock:17/0/` for what the shop opened with, `order:4//` for what is not there.
    fileprivate var word: String { "\(key)/\(version.map(String.init) ?? "")/\(token ?? "")" }

    fileprivate init?(word: Substring) {
        let parts = word.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty else { return nil }
        let version = Int(parts[1])
        guard version != nil || parts[1].isEmpty else { return nil }
        self.init(String(parts[0]), version: version, token: parts[2].isEmpty ? nil : String(parts[2]))
    }
}
