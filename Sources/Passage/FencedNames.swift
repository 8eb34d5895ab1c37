// Which tables a fenced transition is about, by name, on each side.

internal import Fence
internal import Model
internal import Postgres
internal import Protocol
internal import State
internal import Stream

struct FencedNames {
    private let desk: PairDesk

    init(_ desk: PairDesk) { self.desk = desk }

    /// On old, Data A and all that is below it; on new, whatever there is of these names.
    func read() throws -> [Side: [QualifiedName]] {
        let (old, _) = try desk.reached()
        let roots = try desk.plan.tables.matching(on: SourceSide(old, desk.plan.stream)).filter { !$0.isUnlogged }.map(
            \.name)
        let all = try FencedTables(old, desk.plan.stream).read(roots).map(\.name)
        return [.old: roots, .new: all]
    }
}

extension PairDesk {
    /// Who writes, and in which mode, has to be known only where applications declare one; and before 14 no stream would be told.
    private func census(_ connection: Connection) -> Census {
        standing.strategy == .dualWrite && connection.serverMajor >= 14 ? .message : .none
    }

    /// Puts the triggers on every table of both sides that does not have its own yet. How many were made.
    func fenceTables(say: @escaping (String) -> Void) throws -> Int {
        let names = try FencedNames(self).read()
        var made = 0
        for side in Side.allCases {
            guard let connection = connection(side) else { continue }
            let installation = FenceInstallation(connection, plan.stream, on: side, stop: stop, say: say)
            let count = try installation.install(
                names[side] ?? [], elsewhere: self.connection(side.other)?.whereabouts ?? side.other.rawValue,
                census: census(connection))
            if count > 0 { say("fenced \(count == 1 ? "1 table" : "\(count) tables") on \(side.rawValue)") }
            made += count
        }
        return made
    }

    /// Takes them all away again.
    func unfenceTables() throws -> [String] {
        try Side.allCases.flatMap { side -> [String] in
            guard let connection = connection(side) else { return [] }
            return try FenceInstallation(connection, plan.stream, on: side, stop: stop).remove()
        }
    }

    /// Gates as each side's own epoch has them. True when one was otherwise.
    @discardableResult
    func deriveGates() throws -> Bool {
        try Side.allCases.map { side in
            try connection(side).map { try FenceGate($0, plan.stream, on: side).derive() } ?? false
        }.contains(true)
    }
}
