// `tandem config show`: the plan as it was understood, and what each table of old is by it.

internal import CommandLine
internal import Configuration
internal import Foundation
internal import Model
internal import Postgres
internal import Proposal
internal import Protocol
internal import Stream

func configShow(_ arguments: Parsed) throws -> ExitCode {
    let workspace = try Workspace(arguments)
    let shown = workspace.configuration.pairs.filter { pair in workspace.plans.contains { $0.pair == pair.name } }
        .map { ShownPair($0, workspace.configuration) }
    let settings = ShownSetting.all(workspace.configuration)
    if arguments.has("json") {
        Terminal.json(ShownPlan(migration: workspace.configuration.migration, settings: settings, pairs: shown))
    } else {
        Terminal.show(Terminal.strong("migration \(workspace.configuration.migration)"))
        for setting in settings { Terminal.show(setting.text) }
        shown.forEach { Terminal.show($0.text) }
    }
    let lost = Set(
        workspace.configuration.pairs.count == shown.count ? ShownPair.unmatched(shown, workspace.configuration) : [])
    for pattern in lost.sorted() { Terminal.note("tandem: \(pattern)") }
    if !lost.isEmpty { return .usage }
    return shown.contains { $0.problem != nil } ? .failed : .done
}

private struct ShownPlan: Encodable {
    let migration: String
    let settings: [ShownSetting]
    let pairs: [ShownPair]
}

private struct ShownSetting: Encodable {
    let key: String
    let value: String
    /// The line it stands in; nil for a default.
    let line: Int?

    var text: String {
        "  " + key.padding(toLength: 24, withPad: " ", startingAt: 0) + value
            + (line.map { "  (line \($0))" } ?? "  (default)")
    }

    static func all(_ plan: Configuration) -> [ShownSetting] {
        let copy =
            switch plan.initialCopy {
            case .all: "all"
            case .none: "none"
            case .from(let position): "from \(position)"
            }
        var all = [
            ("initial_copy", copy), ("jobs", "\(plan.jobs)"), ("copy.range", size(plan.copy.range)),
            ("copy.back_off", plan.copy.backOff.map { "above \($0.above): \(withoutControls($0.query))" } ?? "none"),
            ("copy.prewarm", plan.copy.prewarm ? "true" : "false"),
            ("limits.memory", size(plan.limits.memory)), ("limits.spill", size(plan.limits.spill)),
            ("limits.wal_held", size(plan.limits.walHeld)), ("limits.on_wal_held", plan.limits.onWALHeld.rawValue),
            ("limits.snapshot", readable(seconds: plan.limits.snapshot)),
            ("limits.pause", readable(seconds: plan.limits.pause)),
            ("limits.copy_rate", plan.limits.copyRate == 0 ? "no limit" : size(plan.limits.copyRate) + "/s"),
        ]
        all += [
            ("verify.every", plan.verify.every.map { readable(seconds: $0) } ?? "never"),
            ("verify.repair_limit", "\(plan.verify.repairLimit)"),
            ("verify.rate", plan.verify.rate == 0 ? "no limit" : size(plan.verify.rate) + "/s"),
            ("verify.patience", readable(seconds: plan.verify.patience)),
        ]
        all += [
            ("strategy", plan.strategy.rawValue),
            (
                "fleet",
                plan.fleet.isEmpty ? "not said" : withoutControls(plan.fleet.map(\.text).joined(separator: ", "))
            ),
            ("gates.lag", readable(seconds: plan.gates.lag)), ("gates.quiet", readable(seconds: plan.gates.quiet)),
            ("gates.verified_within", readable(seconds: plan.gates.verifiedWithin)),
            ("gates.rehearsed_within", readable(seconds: plan.gates.rehearsedWithin)),
            ("hooks.before_step", plan.hooks.beforeStep.map { withoutControls($0.path) } ?? "none"),
            ("hooks.on_flip", plan.hooks.onFlip.map { withoutControls($0.path) } ?? "none"),
            ("hooks.undo_flip", plan.hooks.undoFlip.map { withoutControls($0.path) } ?? "none"),
            ("hooks.on_event", plan.hooks.onEvent.map { withoutControls($0.path) } ?? "none"),
            ("hooks.timeout", readable(seconds: plan.hooks.timeout)),
        ]
        all += [
            (
                "canary",
                plan.canary.isEmpty ? "none" : withoutControls(plan.canary.map(\.name).joined(separator: ", "))
            )
        ]
        all += [("listen", plan.listen?.description ?? "nowhere")]
        all += [("spill", withoutControls(plan.spill)), ("evidence", withoutControls(plan.evidence))]
        return all.map { ShownSetting(key: $0.0, value: $0.1, line: plan.places[$0.0]?.line) }
    }

    private static func size(_ bytes: Int) -> String { readable(bytes: UInt64(bytes)) }
}

private struct ShownPair: Encodable {
    struct Table: Encodable {
        let table: String
        let `class`: String
        /// The pattern that says so, and its line.
        let by: String?
        let line: Int?
        /// What keeps it from being carried, or how it is brought along.
        let note: String?
    }

    let name: String
    let old: String
    let new: String
    let standby: String?
    private(set) var tables: [Table] = []
    private(set) var problem: String?
    private var names: [QualifiedName] = []

    private enum CodingKeys: CodingKey { case name, old, new, standby, tables, problem }

    init(_ pair: Pair, _ configuration: Configuration) {
        name = pair.name
        old = withoutControls(ConnectionWords(pair.old)?.shown ?? "a string that libpq cannot read")
        new = withoutControls(ConnectionWords(pair.new)?.shown ?? "a string that libpq cannot read")
        standby = pair.standby.map { withoutControls(ConnectionWords($0)?.shown ?? "a string that libpq cannot read") }
        do {
            let connection = try Connection(
                to: ConnectionTarget(conninfo: pair.old, label: "old of \(pair.name)"), for: .control,
                as: "tandem config", stop: processStop)
            let facts = try FactsReader(connection).read().sorted { $0.name < $1.name }
            names = facts.map(\.name)
            let selection = TableSelection(configuration)
            tables = facts.map { Self.table($0, selection, configuration) }
        } catch { problem = withoutControls("\(error)") }
    }

    private static func table(
        _ facts: TableFacts, _ selection: TableSelection, _ configuration: Configuration
    ) -> Table {
        let (kind, by) = selection.verdict(on: facts.name)
        var note: String?
        switch kind {
        case .dataA where facts.kind == .materializedView:
            note = "a materialized view is not streamed: it is made on new once the tables are there"
        case .dataA where facts.isUnlogged: note = "not carried: unlogged, its writes are not in the log"
        case .dataB:
            note = configuration.dataB.first { $0.pattern.literalName == facts.name }.map(Self.said)
        case .dataA, .excluded, .undecided, .unnamed: break
        }
        return Table(
            table: facts.name.description, class: kind == .unnamed ? "none" : kind.rawValue, by: by?.text,
            line: by?.place.line, note: note)
    }

    private static func said(_ table: DataBTable) -> String {
        let how =
            switch table.refresh {
            case .full: "as a whole"
            case .modified(let column): "by \(visiblyQuoted(column)) less \(readable(seconds: table.margin))"
            }
        return "\(how), every \(readable(seconds: table.every))"
            + (table.deletes.map { ", deletes looked for every \(readable(seconds: $0))" } ?? "")
    }

    var text: String {
        var lines = ["", Terminal.strong("pair \(name)"), "  old  \(old)", "  new  \(new)"]
        if let standby { lines.append("  rows are read on the standby  \(standby)") }
        if let problem { return (lines + ["  tables unknown: \(problem)"]).joined(separator: "\n") }
        for kind in ["data_a", "data_b", "exclude", "undecided", "none"] {
            let all = tables.filter { $0.class == kind }
            guard !all.isEmpty else { continue }
            lines.append(
                "  " + Terminal.strong(kind == "none" ? "named by nothing, so left alone" : kind)
                    + " (\(counted(all.count, "table")))")
            for table in all {
                let source = table.by.map { by in
                    let line = "line \(table.line ?? 0)"
                    return by == table.table ? line : "\(mention(by)), \(line)"
                }
                let said = [source, table.note].compactMap { $0 }.joined(separator: "; ")
                lines.append("    \(table.table)" + (said.isEmpty ? "" : "  (\(said))"))
            }
        }
        return lines.joined(separator: "\n")
    }

    /// Patterns that match nothing on any old side, as long as all of them could be looked at.
    static func unmatched(_ pairs: [ShownPair], _ configuration: Configuration) -> [String] {
        guard pairs.allSatisfy({ $0.problem == nil }) else { return [] }
        let names = pairs.flatMap(\.names)
        let patterns =
            configuration.dataA + configuration.dataB.map(\.pattern) + configuration.exclude + configuration.undecided
        return patterns.filter { pattern in !names.contains { pattern.matches($0) } }.map { pattern in
            let near = nearest(to: pattern.text, among: names.map(\.description))
            return
                "\(configuration.file):\(pattern.place.line):\(pattern.place.column): no table on old matches \(mention(pattern.text))"
                + (near.map { "; did you mean \(mention($0))?" } ?? "")
        }
    }
}
