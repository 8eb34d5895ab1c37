// `tandem status`: one screen a pair, from the databases alone.

internal import CommandLine
internal import Configuration
internal import Foundation
internal import InitialCopy
internal import Lag
internal import Model
internal import Postgres
internal import State
internal import Stream

func status(_ arguments: Parsed) throws -> ExitCode {
    let workspace = try Workspace(arguments)
    let screens = workspace.plans.map {
        StatusScreen($0, limit: workspace.configuration.limits.walHeld, StatusSides($0, as: "status"))
    }
    if arguments.has("json") {
        Terminal.json(screens.map(\.machineReadable))
    } else {
        Terminal.show(screens.map(\.text).joined(separator: "\n\n"))
    }
    return screens.contains { $0.isIncomplete } ? .failed : .done
}

/// Everything one status shows, read once.
struct StatusScreen {
    private let plan: StreamPlan
    private let limit: Int
    private let lag: LagReading
    private var binding: Binding?
    private var slot: SlotState?
    /// Open transactions on old that the making of the slot waits for.
    private var slotWaits: [String] = []
    private var published: Int?
    private var notCarried: [QualifiedName] = []
    private var hasOrigin = false
    private var setAside: [SetAsideTable] = []
    private var differences: [DifferenceCount] = []
    private var copy: CopyLines?
    private var copiedAgain: [QualifiedName] = []
    private var compared = ComparedLines()
    private var derived: DataBLines?
    private var standing: StandingLines?
    private var ids: IdLines?
    private var reverse: ReverseLines?
    private var problems: [String] = []

    var isIncomplete: Bool { !problems.isEmpty }

    init(_ plan: StreamPlan, limit: Int, _ sides: StatusSides) {
        self.plan = plan
        self.limit = limit
        let (old, new) = (sides.old, sides.new)
        let source = old.connection.map { SourceSide($0, plan.stream) }
        let target = new.connection.map { TargetSide($0, plan.stream) }
        lag = LagReader(
            old: source, new: target, oldProblem: old.problem, newProblem: new.problem, walHeldLimit: limit
        ).read()
        problems = [lag.oldProblem, lag.newProblem].compactMap { $0 }
        do {
            if let source { try read(source) }
            if let target { try read(target) }
            if source != nil || target != nil {
                standing = try StandingLines(
                    plan, old: source?.connection, new: target?.connection, forward: lag, limit: limit)
            }
            ids = try standing.flatMap {
                try IdLines($0.standing, plan, old: source?.connection, new: target?.connection)
            }
            if let source, let target {
                reverse = try ReverseLines(
                    plan.opposite, old: source.connection, new: target.connection, limit: limit)
            }
        } catch { problems.append("\(error)") }
    }

    private mutating func read(_ source: SourceSide) throws {
        slot = try source.slot()
        if let slot, slot.confirmed == nil, !slot.isInvalid { slotWaits = try source.openTransactions() }
        published = try source.publishedTables().map { $0.count - 1 }
        notCarried = try plan.tables.left(out: source)
    }

    private mutating func read(_ target: TargetSide) throws {
        hasOrigin = try target.hasOrigin
        guard try target.hasSchema else { return }
        binding = try target.binding()
        setAside = try target.setAside()
        differences = try target.differences()
        compared = try ComparedLines(VerificationRecords(target.connection, plan.stream))
        derived = try DataBLines(plan.dataB, new: target.connection)
        copiedAgain = try target.copiedTables().filter { $0.state == .again }.map(\.name)
        copy = try target.copyRequest().flatMap { request in
            request.progress.flatMap { CopyProgress.decode($0) }.map { CopyLines(progress: $0, age: request.age) }
        }
    }

    // MARK: for people

    var text: String {
        var lines = [Terminal.strong("pair \(plan.pair)")]
        for (label, text) in (standing?.lines ?? []) + (ids?.lines ?? []) { lines.append(line(label, text)) }
        lines.append(line("stream", stateInWords(lag) + countsText))
        lines.append(line("lag", lagText))
        if let held = heldText { lines.append(line("log held", held)) }
        if let problem = lag.status?.problem, lag.status?.state != .streaming { lines += problemLines(problem) }
        for problem in problems { lines.append(line("unreachable", Terminal.alarming(withoutControls(problem)))) }
        for (label, text) in copy?.lines ?? [] { lines.append(line(label, text)) }
        for (label, text) in derived?.lines(isRunning: lag.isRunning || (copy?.age).map { $0 < 5 } == true) ?? [] {
            lines.append(line(label, text))
        }
        for table in copiedAgain { lines.append(line("", "\(table) is to be copied again, by the next `tandem run`")) }
        for table in setAside {
            lines.append(
                line(
                    "set aside",
                    Terminal.alarming(
                        "\(table.name) since \(table.since), \(counted(table.changes, "change")) left out")))
        }
        if !notCarried.isEmpty {
            let shown = notCarried.prefix(10).map(\.description).joined(separator: ", ")
            let rest = notCarried.count > 10 ? " and \(notCarried.count - 10) more" : ""
            lines.append(
                line("not carried", Terminal.alarming("\(shown)\(rest): \(whyNotCarried)")))
        }
        for difference in differences {
            lines.append(
                line(
                    "difference",
                    "\(difference.table): \(counted(difference.found, "row")) \(withoutControls(difference.kind)), \(difference.repaired) read again,"
                        + " last at \(difference.last)"))
        }
        for (label, text) in compared.lines { lines.append(line(label, text)) }
        for (label, text) in reverse?.lines ?? [] { lines.append(line(label, text)) }
        lines.append(line("on old", oldText))
        if !slotWaits.isEmpty {
            lines.append(
                line(
                    "", Terminal.alarming("the slot is being made, and waits for " + slotWaits.joined(separator: "; ")))
            )
        }
        lines.append(line("on new", newText))
        return lines.joined(separator: "\n")
    }

    private func line(_ label: String, _ text: String) -> String {
        Terminal.folded("  " + label.padding(toLength: 13, withPad: " ", startingAt: 0) + text, below: 15)
    }

    private var whyNotCarried: String {
        plan.initialCopy == .all
            ? "made later; the next start of `tandem run` copies what can be published"
            : "made after `prepare`, not in the publication"
    }

    private var countsText: String {
        guard let status = lag.status, lag.isRunning else { return "" }
        return
            ", \(counted(status.transactions, "transaction")) and \(counted(status.changes, "change")) since its start, on \(withoutControls(status.host))"
            + " (pid \(status.pid))"
    }

    /// Why a side cannot be reached stands in a line of its own.
    private var lagText: String {
        let away = [lag.oldProblem == nil ? nil : "old", lag.newProblem == nil ? nil : "new"].compactMap { $0 }
        return away.isEmpty
            ? lagInWords(lag.report)
            : Terminal.alarming("unknown: \(away.joined(separator: " and ")) cannot be reached")
    }

    private var heldText: String? {
        guard let held = lag.report.walHeld else { return nil }
        var text = "\(readable(bytes: held)) of \(readable(bytes: UInt64(limit)))"
        if lag.report.isOverLimit { return Terminal.alarming(text + ": over the limit") }
        if let left = lag.report.untilLimit { text += ", reached in \(readable(seconds: left)) if new stays away" }
        return text
    }

    private func problemLines(_ problem: StreamStatus.Problem) -> [String] {
        var text = problem.message
        if let state = problem.sqlstate { text += " [\(state)]" }
        if let position = problem.position { text += ", transaction ending at \(position)" }
        var lines = [line("problem", Terminal.alarming(withoutControls(text)))]
        if let hint = problem.hint { lines.append(line("remedy", withoutControls(hint))) }
        return lines
    }

    private var oldText: String {
        if lag.oldProblem != nil { return "unknown" }
        let slotText =
            slot.map { slot in
                "slot \(plan.stream) (\(slot.isInvalid ? "lost" : slot.walStatus ?? "?")"
                    + "\(slot.isActive ? ", in use" : ""))"
            } ?? "no slot"
        let publication = published.map { "publication of \(counted($0, "table"))" } ?? "no publication"
        return slotText + ", " + publication
    }

    private var newText: String {
        if lag.newProblem != nil { return "unknown" }
        return (hasOrigin ? "origin \(plan.stream)" : "no origin")
            + (binding.map { ", started from \($0.start)" } ?? ", never started")
    }

    // MARK: for machines

    struct Line: Encodable, Sendable {
        var isOldReached: Bool
        var isNewReached: Bool
        var lag: LagLine
        var status: StreamStatus?
        var slot: String?
        var slotStatus: String?
        var publication: String?
        var publishedTables: Int?
        var origin: String?
        var start: String?
        var setAside: [SetAside]
        var notCarried: [String]
        var differences: [Difference]
        var copy: CopyProgress?
        var verified: [ComparedLines.Record]
        /// What the making of the slot waits for.
        var slotWaits: [String]
        var dataB: [DataBLines.Table]?
        var standing: StandingLines.Line?
        /// While both sides give out ids.
        var ids: [IdLines.Line]?
        var reverse: ReverseLines.Line?
        var problems: [String]
    }

    /// A list, because different names of tables can be the same key to a reader of JSON.
    struct SetAside: Encodable, Sendable {
        var table: String
        var changes: Int
    }

    struct Difference: Encodable, Sendable {
        var table: String
        var kind: String
        var found: Int
        var repaired: Int
        var last: String
    }

    var machineReadable: Line {
        Line(
            isOldReached: lag.oldProblem == nil, isNewReached: lag.newProblem == nil,
            lag: LagLine(plan, lag, limit), status: lag.status, slot: slot.map { _ in plan.stream.description },
            slotStatus: slot?.walStatus, publication: published.map { _ in plan.stream.description },
            publishedTables: published, origin: hasOrigin ? plan.stream.description : nil,
            start: binding?.start.description,
            setAside: setAside.map { SetAside(table: $0.name.description, changes: $0.changes) },
            notCarried: notCarried.map(\.description),
            differences: differences.map {
                Difference(
                    table: $0.table.description, kind: $0.kind, found: $0.found, repaired: $0.repaired,
                    last: $0.last.description)
            }, copy: copy?.progress, verified: compared.records, slotWaits: slotWaits, dataB: derived?.tables,
            standing: standing?.machineReadable, ids: ids?.machineReadable,
            reverse: reverse?.machineReadable, problems: problems)
    }
}
