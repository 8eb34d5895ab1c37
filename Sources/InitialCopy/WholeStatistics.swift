// Statistics of tables as wholes, with what lies in their partitions or in tables that inherit from them: nothing else
// gathers those, and they can only be gathered once all rows are there.

internal import Model
internal import Postgres
internal import State
internal import Telemetry
internal import Threading

struct WholeStatistics {
    private let context: CopyContext

    init(_ context: CopyContext) { self.context = context }

    func gather(_ stop: StopSignal) throws {
        let name = "\(context.stream) copy rest"
        let source = SourceSide(
            try Connection(to: context.source, for: .control, as: name, stop: stop), context.stream)
        let target = try Connection(to: context.target, for: .control, as: name, stop: stop)
        for table in try source.publishedWholes() {
            do { try target.script("ANALYZE \(table.sql)", doing: "gathering statistics of \(table)") } catch {
                guard error.sqlState != nil, error.kind != .interrupted else { throw error }
                context.log.warning("no statistics", [.relation: table, .reason: "\(error)"])
            }
        }
    }
}
