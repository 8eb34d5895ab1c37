// `tandem evidence show|verify|export|import|link`

internal import CommandLine
internal import Evidence
internal import Foundation
internal import Model
internal import Postgres
internal import State
internal import Stream

func evidenceShow(_ arguments: Parsed) throws -> ExitCode {
    for plan in try Workspace(arguments).plans {
        let lines = EvidenceChain(try plan.evidence.file.read() ?? "").lines
        let last = arguments.value("last").flatMap { Int($0) } ?? lines.count
        for line in lines.suffix(last) {
            Terminal.show(arguments.has("json") ? line.text : EvidenceText(line).text)
        }
        if lines.isEmpty {
            Terminal.note("pair \(plan.pair): no evidence in \(withoutControls(plan.evidence.file.path))")
        }
    }
    return .done
}

func evidenceVerify(_ arguments: Parsed) throws -> ExitCode {
    var outcome = ExitCode.done
    for plan in try Workspace(arguments).plans {
        let chain = EvidenceChain(try plan.evidence.file.read() ?? "")
        var findings = chain.findings
        var unreachable: [String] = []
        for (side, target) in [("old", plan.source), ("new", plan.target)] {
            let reached = Reached(target, as: "\(plan.stream) evidence")
            guard let connection = reached.connection else {
                unreachable.append(reached.problem ?? "\(side) cannot be reached")
                continue
            }
            let marks = try EvidenceMarks(connection, plan.stream).all()
            findings += chain.compared(with: marks, of: side)
        }
        let faults = findings.filter(\.isFault)
        Terminal.show(
            Terminal.strong("pair \(plan.pair)")
                + ": \(chain.lines.count == 1 ? "1 entry" : "\(chain.lines.count) entries"), "
                + (faults.isEmpty ? "the log is whole" : Terminal.alarming("\(counted(faults.count, "fault"))")))
        for finding in findings {
            let text = withoutControls(finding.description)
            Terminal.show("  " + (finding.isFault ? Terminal.alarming("fault: \(text)") : "note: \(text)"))
        }
        for problem in unreachable { Terminal.note("  not compared: \(withoutControls(problem))") }
        if !unreachable.isEmpty, outcome == .done { outcome = .failed }
        if !faults.isEmpty { outcome = .refused }
    }
    return outcome
}

func evidenceExport(_ arguments: Parsed) throws -> ExitCode {
    let plan = try Workspace(arguments).onePlan(for: "evidence export")
    guard let text = try plan.evidence.file.read() else {
        throw StateError.nothingToDo("there is no evidence in \(withoutControls(plan.evidence.file.path))")
    }
    guard let path = arguments.arguments.first, path != "-" else {
        try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
        return .done
    }
    let isNew = FileManager.default.createFile(
        atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
    guard isNew else { throw StateError.nothingToDo("cannot write \(withoutControls(path))") }
    Terminal.note("\(EvidenceChain(text).lines.count) entries in \(withoutControls(path))")
    return .done
}

func evidenceImport(_ arguments: Parsed) throws -> ExitCode {
    let plan = try Workspace(arguments).onePlan(for: "evidence import")
    let path = arguments.arguments[0]
    let data =
        path == "-" ? try FileHandle.standardInput.readToEnd() ?? Data() : FileManager.default.contents(atPath: path)
    guard let data else { throw StateError.nothingToDo("cannot read \(withoutControls(path))") }
    let isDry = arguments.has("dry-run")
    let text = String(decoding: data, as: UTF8.self)
    let (taken, findings) = try isDry ? plan.evidence.file.examine(text) : plan.evidence.file.take(text)
    Terminal.show("\(isDry ? "would take" : "took") \(taken) of \(EvidenceChain(text).lines.count) entries")
    for finding in findings { Terminal.show("  " + withoutControls(finding.description)) }
    return isDry ? DryRun.end() : .done
}

func evidenceLink(_ arguments: Parsed) throws -> ExitCode {
    let plan = try Workspace(arguments).onePlan(for: "evidence link")
    if arguments.has("dry-run") {
        if let aside = try plan.evidence.file.aside() {
            Terminal.show("would put the log that is there aside, as \(withoutControls(aside))")
        }
        Terminal.show(
            "would begin a new one in \(withoutControls(plan.evidence.file.path)), after what the sides remember")
        return DryRun.end()
    }
    let reason = arguments.value("reason") ?? ""
    let aside = try plan.evidence.file.putAside()
    var details = [("reason", withoutControls(reason))]
    if let aside { details.append(("put aside", withoutControls(aside))) }
    let old = Reached(plan.source, as: "\(plan.stream) evidence").connection
    let new = Reached(plan.target, as: "\(plan.stream) evidence").connection
    let recorded = try plan.evidence.record(
        EvidenceLog.Event("evidence link", .noted, details: details), old: old, new: new)
    if let aside { Terminal.show("the log that was there is \(withoutControls(aside)) now") }
    Terminal.show("the log goes on with entry \(recorded.number) in \(withoutControls(plan.evidence.file.path))")
    recorded.notes.forEach(Terminal.note)
    return .done
}

/// One entry for people.
private struct EvidenceText {
    let line: EvidenceLine

    init(_ line: EvidenceLine) { self.line = line }

    var text: String {
        let fields = line.fields ?? [:]
        func word(_ key: String) -> String { (fields[key] as? String).map { withoutControls($0) } ?? "?" }
        let time = String(word("at").prefix(19)).replacing("T", with: " ")
        var lines = [
            "\(line.number)  \(time)  \(Terminal.strong(word("command"))) \(word("phase"))"
                + "  by \(word("actor")) on \(word("host"))"
        ]
        for side in ["old", "new"] {
            guard let state = fields[side] as? [String: Any] else { continue }
            let position = (state["position"] as? String).map { "at \($0)" }
            let schema = (state["schema"] as? String).map { "schema \($0.prefix(12))" }
            let known = [position, schema].compactMap { $0 }.joined(separator: ", ")
            lines.append(
                "     \(side) " + (known.isEmpty ? withoutControls(state["unknown"] as? String ?? "?") : known))
        }
        for act in fields["executed"] as? [String] ?? [] { lines.append("     \(withoutControls(act))") }
        for key in ["details", "counts"] {
            for (name, value) in (fields[key] as? [String: Any] ?? [:]).sorted(by: { $0.key < $1.key }) {
                lines.append("     \(withoutControls(name)): \(withoutControls("\(value)"))")
            }
        }
        if let seconds = fields["seconds"] as? Double { lines.append("     \(readable(seconds: seconds))") }
        return lines.joined(separator: "\n")
    }
}
