// A pair of which only the fence is there: an epoch on old, tables, and the room's own functions over it.

import Fence
import Model
import Postgres
import Protocol
import State
import TestSupport
import Testing
import Threading

struct Fenced {
    let s: Scenario
    let stream: StreamName
    let stop = StopSignal()

    init(_ title: String, _ tables: String, on pair: ClusterPair? = nil) throws {
        s = try Scenario(title, on: pair)
        stream = StreamName(migration: "t", pair: s.name, direction: .forward)
        try s.old.sql(tables)
        let book = EpochBook(try connection(), stream)
        try book.install()
        _ = try book.commit(next: epoch(1, .following))
    }

    func epoch(
        _ number: Int, _ step: Step, _ strategy: Strategy = .pause, truth: Side = .old
    ) -> Epoch {
        Epoch(number: number, step: step, strategy: strategy, truth: truth, since: "2026-01-01T00:00:00Z", by: "test")
    }

    var target: ConnectionTarget { ConnectionTarget(conninfo: s.old.connection, label: "old") }

    func connection() throws -> Connection { try Connection(to: target, for: .control, as: "test", stop: stop) }

    /// What preflight's role would do.
    func installation(patience: Double = 5) throws -> FenceInstallation {
        FenceInstallation(try connection(), stream, on: .old, patience: patience, stop: stop)
    }

    @discardableResult
    func install(_ tables: String..., patience: Double = 5, census: Census = .none) throws -> Int {
        try installation(patience: patience).install(
            names(tables), elsewhere: "\"shop\" at new.example", census: census)
    }

    func names(_ tables: [String]) -> [QualifiedName] { tables.map { QualifiedName(schema: "public", name: $0) } }

    func uncovered(_ tables: String...) throws -> [String] {
        try FencedTables(connection(), stream).read(names(tables)).filter { !$0.isCovered }.map(\.name.description)
    }

    /// The gate as a step has it.
    func set(_ step: Step, _ strategy: Strategy = .pause) throws {
        let row = try #require(StepTable(strategy)[step])
        try FenceGate(connection(), stream, on: .old).set(WriterGate(row, strategy, epoch: 1, on: .old))
    }

    func session() throws -> FenceSession { try FenceSession(to: target, stream, on: .old, stop: stop) }

    /// The SQLSTATE with which it fails; `ok` when it does not.
    func state(_ statements: String, _ location: SourceLocation = #_sourceLocation) throws -> String {
        do {
            try s.old.sql(statements)
            return "ok"
        } catch let failure as HarnessFailure {
            return failure.sqlstate ?? "\(failure)"
        }
    }
}
