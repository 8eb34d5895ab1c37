// All table mappings of a stream, by shape number, made when a shape is first needed and forgotten when the target may
// have changed.

internal import Assembly
internal import Batching
internal import Model
internal import Postgres
internal import Telemetry

final class Mappings {
    private let mapper: Mapper
    private let book: ShapeBook
    private var byShape: [Int: TableMapping] = [:]
    private var plans: [TablePlan?] = []
    private var numbers: [QualifiedName: Int] = [:]
    private var byTarget: [Int: TableMapping] = [:]
    private(set) var setAside: Set<QualifiedName> = []
    private let log: Log
    private var warned: Set<QualifiedName> = []

    init(mapper: Mapper, book: ShapeBook, log: Log) {
        self.mapper = mapper
        self.book = book
        self.log = log
    }

    func forget(setAside: Set<QualifiedName>) {
        byShape = [:]
        byTarget = [:]
        plans = []
        self.setAside = setAside
    }

    func plan(_ shape: Int) -> TablePlan? { plans.indices.contains(shape) ? plans[shape] : nil }
    func mapping(ofShape shape: Int) -> TableMapping? { byShape[shape] }
    func mapping(ofTarget target: Int) -> TableMapping? { byTarget[target] }

    /// For rows that were planned with the mapping: a missing one would be rows lost.
    func known(shape: Int) -> TableMapping {
        guard let mapping = byShape[shape] else { preconditionFailure("rows of a shape that is not mapped") }
        return mapping
    }

    func known(target: Int) -> TableMapping {
        guard let mapping = byTarget[target] else { preconditionFailure("rows of a table that is not mapped") }
        return mapping
    }

    func name(_ shape: Int) -> QualifiedName { book[shape]?.name ?? QualifiedName(schema: "?", name: "\(shape)") }

    /// Looks the table up on the target; the connection must be idle.
    func resolve(_ number: Int) throws {
        guard plan(number) == nil, let shape = book[number] else { return }
        while plans.count <= number { plans.append(nil) }
        if setAside.contains(shape.name) {
            plans[number] = TablePlan(
                target: -1, columns: shape.columns.count, carried: [], locator: .none, isSetAside: true)
            return
        }
        let target = numbers[shape.name] ?? numbers.count
        numbers[shape.name] = target
        let mapping = try mapper.map(shape, number: target)
        warn(of: mapping.table)
        plans[number] = mapping.plan
        byShape[number] = mapping
        byTarget[target] = mapping
    }

    /// Triggers that fire for replication run as the role that applies.
    private func warn(of table: TargetTable) {
        guard let strangers = table.strangersWithTriggers, warned.insert(table.name).inserted else { return }
        log.warning(
            "triggers run as superuser",
            [
                .relation: table.name,
                .reason:
                    "its ENABLE ALWAYS or REPLICA triggers belong to \(strangers), and tandem's role on new is superuser",
                .hint: "use a role on new that is not, or see that nobody else can change these triggers and functions",
            ])
    }
}
