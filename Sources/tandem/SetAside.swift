// `tandem set-aside TABLE…`

internal import CommandLine
internal import Configuration
internal import Evidence
internal import Failpoints
internal import Model
internal import Postgres
internal import State
internal import Stream

func setAside(_ arguments: Parsed) throws -> ExitCode {
    let workspace = try Workspace(arguments)
    let plan = try workspace.onePlan(for: "set-aside").inCharge()
    let source = SourceSide(
        try Connection(to: plan.source, for: .control, as: "\(plan.stream) set-aside", stop: processStop), plan.stream)
    let target = TargetSide(
        try Connection(to: plan.target, for: .control, as: "\(plan.stream) set-aside", stop: processStop), plan.stream)
    guard try target.binding() != nil, let progress = try target.progress(durable: false) else {
        throw StateError.notPrepared(pair: plan.pair)
    }
    let published = try (source.publishedTables() ?? []).union(source.publishedLeaves())
    let names = try arguments.arguments.map { try table($0, among: published) }
    let sides = plan.sides(source: source.connection, target: target.connection)
    if arguments.has("dry-run") {
        try plan.evidence.examine(old: sides.old, new: sides.new)
        let already = Set(try target.setAside().map(\.name))
        for name in names {
            Terminal.show(
                already.contains(name)
                    ? "\(name) is set aside already"
                    : "\(name) would be set aside: its changes after \(progress) would be counted, not applied")
        }
        return DryRun.end()
    }
    try plan.evidence.perform(
        "set-aside", executed: names.map { "set aside \($0)" }, old: sides.old, new: sides.new,
        note: Terminal.note
    ) {
        for name in names {
            try target.setAside(name, since: progress)
            Failpoint.pass(.afterSetAside)
            Terminal.show("\(name) is set aside: its changes after \(progress) are counted, not applied")
        }
    }
    return .done
}

private func table(_ text: String, among published: Set<QualifiedName>) throws -> QualifiedName {
    let pattern = try TablePattern(text)
    guard let name = pattern.literalName else {
        throw UsageError("\(mention(text)) is a pattern", hint: "name each table that is to be set aside")
    }
    guard published.contains(name), name.schema != Schema.name else {
        let near = nearest(to: text, among: published.filter { $0.schema != Schema.name }.map(\.description))
        throw UsageError(
            "\(mention(text)) is not a table of this stream", hint: near.map { "did you mean \(mention($0))?" })
    }
    return name
}
