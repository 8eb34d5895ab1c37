// What all checks share: a connection to either side, which tables are carried and what they are there, and what tandem has
// already. Read once, on one thread. Nothing here writes.

internal import Configuration
internal import Model
internal import Postgres
internal import SchemaCopy
internal import State
internal import Stream
internal import Threading

final class Survey {
    let plan: StreamPlan
    let stop: StopSignal
    let jobs: Int
    private(set) var refusals: [Side: PostgresError] = [:]
    private var connections: [Side: Connection] = [:]
    /// The tables that the configuration chooses, unlogged ones among them.
    private(set) var chosen: [SourceTable] = []
    /// Patterns that name nothing here; with one pair that is an error already.
    private(set) var unmatched: [TablePattern] = []
    private(set) var carried: [Side: CarriedTables] = [:]
    private(set) var binding: Binding?
    private(set) var slot: SlotState?
    private var differences: [TableDifference]?
    private var failures: [Side: [TableTrial.Failure]] = [:]

    /// No statement of preflight's may wait longer for anybody, or take longer.
    static let patience = 5

    init(_ plan: StreamPlan, jobs: Int, stop: StopSignal) throws {
        (self.plan, self.jobs, self.stop) = (plan, jobs, stop)
        try connect(.old, to: plan.source)
        try connect(.new, to: plan.target)
        if let old = connections[.old] { try readOld(old) }
        if let new = connections[.new] { try readNew(new) }
    }

    private func connect(_ side: Side, to target: ConnectionTarget) throws {
        do {
            let connection = try Connection(to: target, for: .control, as: Self.application, stop: stop)
            try connection.script(
                "SET lock_timeout = '\(Self.patience)s'; SET statement_timeout = '30s'",
                doing: "preparing to look at \(connection.label)")
            connections[side] = connection
        } catch {
            guard error.kind == .cannotConnect else { throw error }
            refusals[side] = error
        }
    }

    static let application = "tandem preflight"

    private func readOld(_ old: Connection) throws {
        let source = SourceSide(old, plan.stream)
        chosen = try plan.tables.matching(on: source)
        unmatched = try plan.tables.unmatched(on: source)
        carried[.old] = try CarriedTables(
            on: old, named: Set(chosen.filter { !$0.isUnlogged }.map(\.name)), throughRoots: true)
        slot = try source.slot()
    }

    private func readNew(_ new: Connection) throws {
        if let old = carried[.old] {
            carried[.new] = try CarriedTables(on: new, named: Set(old.tables.map(\.name)), throughRoots: false)
        }
        // A schema of that name which is somebody else's is a finding of its own.
        binding = try? TargetSide(new, plan.stream).binding()
    }

    // MARK: what checks ask for

    func connection(_ side: Side) -> Connection? { connections[side] }

    /// For checks that said they need this side.
    func reached(_ side: Side) throws(PostgresError) -> Connection {
        if let connection = connections[side] { return connection }
        throw refusals[side] ?? PostgresError(.cannotConnect, "not connected", doing: "looking at \(side.rawValue)")
    }

    /// The stream was started before: what it needs is there already, and in use.
    var isFollowing: Bool { binding != nil }

    /// What would be published.
    var published: [SourceTable] { chosen.filter { !$0.isUnlogged } }

    var copies: Bool { plan.initialCopy == .all }

    /// New has nothing yet that could be compared.
    var newIsEmpty: Bool { carried[.new]?.tables.isEmpty ?? true }

    /// Of tables that both sides have, compared once.
    func tableDifferences() throws -> [TableDifference] {
        if let differences { return differences }
        guard let old = carried[.old], let new = carried[.new] else { return [] }
        let pairs = old.tables.compactMap { table in new.byName[table.name].map { (old: table.oid, new: $0.oid) } }
        let found = try TableComparison(pairs, old: reached(.old), new: reached(.new)).differences
        differences = found
        return found
    }

    /// Carried tables that tandem cannot use as it will, tried once.
    func tableFailures(_ side: Side) throws(PostgresError) -> [TableTrial.Failure] {
        if let failures = failures[side] { return failures }
        let found = try TableTrial(self, side).failures()
        failures[side] = found
        return found
    }

    func ask(_ question: Question, of side: Side, doing check: String) throws(PostgresError) -> [Row] {
        let connection = try reached(side)
        let parameters = question.parameters.map { parameter -> String in
            switch parameter {
            case .carried: carried[side]?.numbers ?? "{}"
            case .stream: plan.stream.description
            }
        }
        return try connection.query(
            question.sql(connection.serverMajor), parameters, doing: "checking \(check) on \(connection.label)"
        ).all
    }
}
