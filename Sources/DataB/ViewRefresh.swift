// A materialized view that is one on both sides is not carried: the written side fills its own from what it has by then.
// That is right only when everything it reads is carried there, too.

internal import Configuration
internal import Model
internal import Postgres
internal import State

struct ViewRefresh {
    private let session: BatchSession
    private let name: QualifiedName

    init(_ session: BatchSession, _ table: DerivedTable) { (self.session, name) = (session, table.name) }

    func run(asOf: String) throws {
        let target = session.target
        if let stranger = try Self.notCarried(name, session.plan.selection, on: target) {
            throw DataBError.impossible(
                "\(name) reads \(stranger), which nothing carries to \(target.label)",
                hint: "carry \(stranger) too; or make \(name) a table there, with the view's columns: then its rows are"
                    + " carried")
        }
        let facts = try RelationFacts.read(name, on: target)
        let besides = try facts?.isPopulated == true && RelationFacts.hasPlainUniqueIndex(name, on: target)
        try session.marked {
            try session.inTransaction(name) {
                try session.write(
                    "REFRESH MATERIALIZED VIEW \(besides ? "CONCURRENTLY " : "")\(name.sql)", name)
                try session.state.record(name, mark: nil, asOf: asOf)
            }
        }
    }

    static func notCarried(
        _ view: QualifiedName, _ selection: TableSelection, on connection: Connection
    ) throws(PostgresError) -> QualifiedName? {
        try RelationFacts.sources(of: view, on: connection).first { source in
            let kind = selection.verdict(on: source.name).kind
            // A view or foreign table among Data A is made once and then left alone.
            return kind != .dataB && (kind != .dataA || source.kind == "m" || source.kind == "f")
        }?.name
    }

    /// How many other views of the plan have to be filled before each; 0 for everything that is no view.
    static func ranks(_ tables: [DerivedTable], on connection: Connection) throws(PostgresError) -> [QualifiedName: Int]
    {
        var reads: [QualifiedName: [QualifiedName]] = [:]
        for table in tables {
            guard try RelationFacts.read(table.name, on: connection)?.isView == true else { continue }
            reads[table.name] = try RelationFacts.sources(of: table.name, on: connection).map(\.name)
        }
        func rank(_ name: QualifiedName, _ depth: Int) -> Int {
            guard let below = reads[name], depth < reads.count else { return reads[name] == nil ? 0 : 1 }
            return 1 + (below.map { rank($0, depth + 1) }.max() ?? 0)
        }
        return reads.keys.reduce(into: [:]) { $0[$1] = rank($1, 0) }
    }
}
