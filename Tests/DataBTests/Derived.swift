// A scenario whose configuration has Data B, its judgement, and batches of its tables without the program around them.

import Configuration
import Model
import Postgres
import State
import Telemetry
import TestSupport
import Testing
import Threading

@testable import DataB

extension Scenario {
    /// Tables on both sides, rows on old; `dataB` are entries of `data_b`.
    static func derived(
        _ title: String, on pair: ClusterPair? = nil, tables: String, rows: String = "", dataB: [String],
        extra: String = ""
    ) throws -> Scenario {
        let scenario = try Scenario(title, on: pair, dataA: ["public.*"])
        try scenario.both("CREATE SCHEMA b; SET search_path = b; " + tables)
        if !rows.isEmpty { try scenario.old.sql("SET search_path = b; " + rows) }
        try scenario.configure(dataB, extra: extra)
        return scenario
    }

    func configure(_ dataB: [String], initialCopy: String = "none", extra: String = "") throws {
        let entries = dataB.map { "  - {\($0)}" }.joined(separator: "\n")
        try writeConfiguration(
            dataA: ["public.*"], initialCopy: initialCopy, extra: "data_b:\n\(entries)\n\(extra)")
    }

    func plan(_ direction: Model.Direction = .forward) throws -> DataBPlan {
        let configuration = try Configuration.read(path: configurationPath, environment: [:])
        let pair = configuration.pairs[0]
        return DataBPlan(
            configuration, pair: pair.name, old: ConnectionTarget(conninfo: pair.old, label: "old"),
            new: ConnectionTarget(conninfo: pair.new, label: "new"), direction: direction)
    }

    // MARK: through the program

    /// One run to its end, which includes a batch of each table.
    func carry(
        expecting code: Int32 = 0, environment: [String: String] = [:], _ location: SourceLocation = #_sourceLocation
    ) throws {
        let outcome = try tandem("run", "--until", "caught-up", environment: environment)
        #expect(outcome.status == .exited(code), "\(outcome.stderr)", sourceLocation: location)
    }

    /// A request, and a run that obeys it.
    func compareNow(_ location: SourceLocation = #_sourceLocation) throws {
        #expect(try tandem("b", "now").exitCode == 0, sourceLocation: location)
        try carry()
    }

    func status(_ table: String, _ field: String) throws -> String? {
        try new.value("SELECT status::json ->> '\(field)' FROM tandem.data_b_table WHERE table_name = '\(table)'")
    }

    // MARK: judgement

    /// The same rows on both sides.
    func expectSame(_ tables: String..., location: SourceLocation = #_sourceLocation) throws {
        for table in tables {
            let sql = "SELECT t::text FROM b.\(table) AS t ORDER BY t::text COLLATE \"C\""
            #expect(try old.sql(sql) == new.sql(sql), "\(table)", sourceLocation: location)
        }
    }
}

/// Batches and comparisons of a scenario's tables, in sizes of the test's choice.
final class Trial {
    let session: BatchSession
    private let plan: DataBPlan
    private let slice: Int

    init(_ scenario: Scenario, _ direction: Model.Direction = .forward, slice: Int = 2_000_000) throws {
        plan = try scenario.plan(direction)
        self.slice = slice
        session = try BatchSession(plan, stop: StopSignal(), log: Log(threshold: .error))
    }

    private func table(_ name: String) throws -> DerivedTable {
        try #require(plan.tables.first { $0.name.name == name })
    }

    /// As the schedule does it, with what follows a unique value that is taken.
    @discardableResult
    func carry(_ name: String) throws -> DerivedStatus {
        var status = DerivedStatus()
        do {
            try TableWork(session: session, table: table(name), work: .batch, finish: nil, slice: slice).run(&status)
        } catch {
            session.giveUp()
            throw error
        }
        return status
    }

    @discardableResult
    func batch(_ name: String) throws -> BatchReport { try #require(try carry(name).batch) }

    @discardableResult
    func compare(_ name: String, step: Int = 10_000) throws -> ComparisonReport {
        let table = try table(name)
        let layout = try #require(try TableBatch(session, table).layout())
        var comparison = try TableComparison(session, layout, step: step)
        return try comparison.run(mark: try session.state.progress(table.name).mark)
    }

    func mark(_ name: String) throws -> String? { try session.state.progress(table(name).name).mark }
}
