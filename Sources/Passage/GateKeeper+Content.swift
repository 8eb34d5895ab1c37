// Gates about what is in the databases: compared and equal, Data B complete, keys the same, statistics there.

internal import Configuration
internal import DataB
internal import Foundation
internal import Model
internal import Postgres
internal import Protocol
internal import State
internal import Stream
internal import Verification

extension GateKeeper {
    /// Every carried table must have been compared lately; the newest word on each counts, and it must be "equal".
    func verified() throws -> GateReading {
        let (old, new) = try desk.reached()
        // Compared with the side that counts; what was found is kept on the other one.
        let plan = desk.planInCharge
        let (from, to) = plan.isForward ? (old, new) : (new, old)
        let scope = try plan.verificationScope(SourceSide(from, plan.stream), TargetSide(to, plan.stream))
        let kept = VerificationRecords(to, plan.stream)
        let records = Dictionary(try kept.last(.any).map { ($0.table, $0) }) { first, _ in first }
        let limit = desk.configuration.gates.verifiedWithin
        var oldest = 0.0
        for item in scope.items where item.kind == .dataA {
            guard let record = records[item.table] else {
                let since = plan.isForward ? "" : " since new is in charge"
                return GateReading(
                    .verified, .refuses, "\(item.table) was not compared yet\(since)", mend: "`tandem verify`")
            }
            guard record.verdict == .equal else {
                return GateReading(
                    .verified, .refuses, "\(item.table): \(Self.words(record)), \(Self.inWords(record.age)) ago",
                    mend: record.verdict == .differs
                        ? "`tandem verify --repair`" : "`tandem verify --table \(item.table)`")
            }
            guard record.age <= limit else {
                return GateReading(
                    .verified, .refuses,
                    "\(item.table) was last compared \(Self.inWords(record.age)) ago, and it may be \(Self.inWords(limit))",
                    mend: "`tandem verify`")
            }
            oldest = max(oldest, record.age)
        }
        let count = scope.items.filter { $0.kind == .dataA }.count
        return GateReading(
            .verified, .holds,
            "\(GateReading.tables(count)) equal, each compared within the last \(Self.inWords(oldest))")
    }

    private static func words(_ record: VerificationRecord) -> String {
        switch record.verdict {
        case .equal: "equal"
        case .differs: "\(record.differing) rows differed"
        case .unsettled: "did not settle"
        case .failed: "could not be compared"
        }
    }

    // MARK: Data B

    /// Its jobs stopped and all of it there, by the word of `b final`, in the direction that batches go at this step.
    func dataB() throws -> GateReading {
        let derived = desk.planInCharge.dataB
        let tables = derived.tables
        guard !tables.isEmpty else { return GateReading(.dataB, .holds, "there is no Data B") }
        let (_, new) = try desk.reached()
        let state = DataBState(new, derived.stream)
        let requests = try state.isThere ? try state.requests() : []
        let limit = desk.configuration.gates.verifiedWithin
        for table in tables {
            let final = requests.first { $0.table == table.name }?.final.flatMap { FinalVerdict.decode($0) }
            guard let final else {
                return GateReading(
                    .dataB, .refuses, "no final copy of \(table.name) was made", mend: "`tandem b final`")
            }
            guard final.isIdentical else {
                return GateReading(
                    .dataB, .refuses, "\(table.name) differed in the final copy",
                    mend: "`tandem b final` names what differs")
            }
            let age = -final.at.timeIntervalSinceNow
            guard age <= limit else {
                return GateReading(
                    .dataB, .refuses,
                    "the final copy of \(table.name) is \(Self.inWords(age)) old, and may be \(Self.inWords(limit))",
                    mend: "`tandem b final`")
            }
        }
        return GateReading(.dataB, .holds, "\(GateReading.tables(tables.count)) identical in the final copy")
    }

    // MARK: keys and statistics

    func keys() throws -> GateReading {
        let (old, new) = try desk.reached()
        let names = try desk.plan.tables.matching(on: SourceSide(old, desk.plan.stream)).filter { !$0.isUnlogged }.map(
            \.name)
        let (here, there) = (try KeyCatalog.read(old), try KeyCatalog.read(new))
        for name in names.sorted() where (here[name] ?? []).isDisjoint(with: there[name] ?? []) {
            let isThere = try !new.query(
                "SELECT pg_catalog.to_regclass($1) IS NULL", [name.sql], doing: "looking for \(name) on new"
            ).bool(0, 0)
            guard isThere else {
                return GateReading(
                    .keys, .unknown, "\(name) is not on new yet", mend: "`tandem run` makes and copies it")
            }
            let saw = here[name]?.isEmpty ?? true ? "\(name) has no key on old" : "\(name) has no key of old's on new"
            return GateReading(
                .keys, .refuses, saw,
                mend: "give both sides the same primary key; without one only `strategy: pause` is possible")
        }
        return GateReading(.keys, .holds, "\(GateReading.tables(names.count)), each with a key that both sides have")
    }

    func statistics() throws -> GateReading {
        let (old, new) = try desk.reached()
        let carried = Set(try desk.plan.tables.matching(on: SourceSide(old, desk.plan.stream)).map(\.name))
        let bare = try PlannerStatistics.missing(on: new).filter {
            carried.contains($0) || desk.plan.tables.carries($0)
        }
        guard let first = bare.first else {
            return GateReading(.statistics, .holds, "every table with rows has them on new")
        }
        let rest = bare.count > 1 ? " and \(bare.count - 1) more" : ""
        return GateReading(.statistics, .refuses, "new has none of \(first)\(rest)", mend: "ANALYZE; on new")
    }
}
