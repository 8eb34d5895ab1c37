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
    /// Some table's triggers run in our session.
    private(set) var fireTriggers = false
    private var numbers: [QualifiedName: Int] = [:]
    private var byTarget: [Int: TableMapping] = [:]
    private(set) var setAside: Set<QualifiedName> = []
    private var partitions: Set<QualifiedName> = []
    private var setAsideRoots: [Int: QualifiedName] = [:]
    /// Shapes whose changes the copy of existing rows holds already, for the transaction at hand.
    var leftOut: Set<Int> = []
    /// Shapes whose changes are only noted, for the transaction at hand.
    var noted: Set<Int> = []
    /// Shapes up to here were looked up, or tried.
    private var looked = 0
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
        partitions = []
        plans = []
        setAsideRoots = [:]
        looked = 0
        self.setAside = setAside
    }

    func plan(_ shape: Int) -> TablePlan? {
        if !leftOut.isEmpty && leftOut.contains(shape) { return Self.nowhere }
        guard plans.indices.contains(shape), var plan = plans[shape] else { return nil }
        if !noted.isEmpty && noted.contains(shape) { plan.isNoted = true }
        return plan
    }

    private static let nowhere = TablePlan(target: -1, columns: 0, carried: [], locator: .none, isSetAside: true)

    func isSetAside(_ shape: Int) -> Bool { plans.indices.contains(shape) && plans[shape]?.isSetAside == true }

    /// The source's number for the table.
    func sourceTable(_ shape: Int) -> UInt32? { book[shape]?.oid }
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

    /// The table that was set aside and takes this shape along.
    func setAsideName(_ shape: Int) -> QualifiedName { setAsideRoots[shape] ?? name(shape) }

    func name(_ shape: Int) -> QualifiedName { book[shape]?.name ?? QualifiedName(schema: "?", name: "\(shape)") }

    /// Looks tables up on the target; the connection must be idle. All of them are read at once, and with them, where
    /// `more`, what the stream has described besides, so that it need not be asked for one by one.
    func resolve(_ wanted: [Int], more: Bool) throws {
        let missing = wanted.filter { plan($0) == nil && book[$0] != nil }
        let besides = more ? described(besides: Set(missing)) : []
        for start in stride(from: 0, to: missing.count, by: Self.atOnce) {
            let part = Array(missing[start..<min(missing.count, start + Self.atOnce)])
            try reading(part) { for number in part { try resolve(number) } }
        }
        guard !besides.isEmpty else { return }
        // What is wrong with one of these is said when it is needed, if ever. They may be part of a transaction that is sent
        // while it is open, and has its tables locked on the source: that is not asked for them.
        try mapper.source.sparing {
            try reading(besides) {
                for number in besides {
                    do { try resolve(number) } catch is MappingProblem {} catch is NeedsTextStream {
                    } catch is SourceSpared {}
                }
            }
        }
    }

    private static let atOnce = 500

    private func reading(_ numbers: [Int], _ body: () throws -> Void) throws {
        defer { mapper.catalog.ahead.forget() }
        if numbers.count > 1 {
            var names = Set<QualifiedName>()
            try mapper.catalog.readAhead(numbers.compactMap { book[$0]?.name }.filter { names.insert($0).inserted })
        }
        try body()
    }

    /// The newest that nobody has looked up, each looked at once only.
    private func described(besides wanted: Set<Int>) -> [Int] {
        let count = book.count
        defer { looked = max(looked, count) }
        let numbers = (looked..<max(looked, count)).suffix(Self.atOnce)
        return numbers.filter { !wanted.contains($0) && plan($0) == nil }
    }

    private func resolve(_ number: Int) throws {
        guard plan(number) == nil, let shape = book[number] else { return }
        while plans.count <= number { plans.append(nil) }
        if try isSetAside(shape) {
            plans[number] = TablePlan(
                target: -1, columns: shape.columns.count, carried: [], locator: .none, isSetAside: true)
            return
        }
        let destination = try mapper.destination(shape)
        let target = numbers[destination.name] ?? numbers.count
        numbers[destination.name] = target
        let equal = destination.isWhole ? byShape.values.filter { $0.table.number == target } : []
        let mapping = try mapper.map(shape, to: destination, number: target, equal: equal)
        warn(of: mapping.table)
        plans[number] = mapping.plan
        // What was counted for the parts known before may be outdated.
        for index in plans.indices where destination.isWhole && plans[index]?.target == target {
            plans[index]?.parts = destination.parts
        }
        byShape[number] = mapping
        if mapping.table.firesTriggers { fireTriggers = true }
        byTarget[target] = mapping
        if mapping.table.isPartition { partitions.insert(mapping.table.name) }
    }

    /// Partitions of new may have been given other bounds since they were looked at, and then rows are elsewhere.
    func mayBeOutdated(_ failure: ApplyFailure) -> Bool {
        failure.mayBeOutdated || failure.mayBeMisplaced && failure.table.map(partitions.contains) ?? false
    }

    /// A partitioned table takes its partitions along.
    private func isSetAside(_ shape: RelationShape) throws -> Bool {
        guard !setAside.isEmpty else { return false }
        if setAside.contains(shape.name) { return true }
        guard let root = try mapper.source.root(of: shape)?.name, setAside.contains(root) else { return false }
        setAsideRoots[shape.number] = root
        return true
    }

    /// Triggers that fire for replication run as the role that applies.
    private func warn(of table: TargetTable) {
        guard let strangers = table.strangersWithTriggers, warned.insert(table.name).inserted else { return }
        log.warning(
            "triggers run as superuser",
            [
                .relation: table.name,
                .reason:
                    "its ENABLE ALWAYS or REPLICA triggers belong to \(strangers), and tandem's role on \(mapper.to) is superuser",
                .hint:
                    "use a role on \(mapper.to) that is not, or see that nobody else can change these triggers and functions",
            ])
    }
}
