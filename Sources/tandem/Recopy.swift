// `tandem recopy TABLE…`: a request on new for each table, or for each partition of it, which the runner takes up.

internal import CommandLine
internal import Configuration
internal import Evidence
internal import InitialCopy
internal import Model
internal import Postgres
internal import Protocol
internal import State
internal import Stream

func recopy(_ arguments: Parsed) throws -> ExitCode {
    let plan = try Workspace(arguments).onePlan(for: "recopy")
    let source = SourceSide(
        try Connection(to: plan.source, for: .control, as: "\(plan.stream) recopy", stop: processStop), plan.stream)
    let target = TargetSide(
        try Connection(to: plan.target, for: .control, as: "\(plan.stream) recopy", stop: processStop), plan.stream)
    guard try target.hasSchema, try target.binding() != nil else { throw StateError.notPrepared(pair: plan.pair) }
    try StepRule.require(
        "recopy", .classifying ... .derivedAtRest,
        instead:
            "it empties tables of new, which applications write from step 3 on; `tandem verify --repair` mends rows",
        plan, old: source.connection, new: target.connection)
    let published = try source.publishedLeafTables()
    // While tables are being copied tandem itself changes new.
    let isComplete = try target.copyRequest()?.isComplete ?? true
    try CarriedSchema.refuseChanged(
        plan, old: source.connection, new: isComplete ? target.connection : nil, accepts: arguments.has("accept-schema")
    )
    let wanted = try arguments.arguments.map { try leaves(of: $0, source, published) }.flatMap { $0 }
    for leaf in wanted {
        try AgainExamination.refuseShared(
            leaf, plan.stream, plan.source, on: source.connection, target: target.connection, stop: processStop)
    }
    if arguments.has("dry-run") {
        try plan.evidence.examine(old: source.connection, new: target.connection)
        return try preview(wanted, target)
    }
    try plan.evidence.perform(
        "recopy", executed: wanted.map { "empty and copy again \($0.name)" }, old: source.connection,
        new: target.connection, note: Terminal.note
    ) { try request(wanted, target) }
    return .done
}

/// What would be asked for, or why it would be refused.
private func preview(_ wanted: [SourceLeaf], _ target: TargetSide) throws -> ExitCode {
    let tables = try target.copiedTables()
    for leaf in wanted {
        if let now = tables.first(where: { $0.oid == leaf.oid })?.state, now != .done, now != .again {
            throw beingCopied(leaf)
        }
    }
    for leaf in wanted { Terminal.show("\(leaf.name) would be emptied on new and copied again, by the runner") }
    return DryRun.end()
}

private func beingCopied(_ leaf: SourceLeaf) -> StateError {
    .refused("\(leaf.name) is being copied right now", hint: "`tandem status` shows how far it is")
}

private func request(_ wanted: [SourceLeaf], _ target: TargetSide) throws {
    try target.startCopying()
    for leaf in wanted {
        guard try target.requestAgain(leaf) else { throw beingCopied(leaf) }
        Terminal.show("\(leaf.name) is emptied on new and copied again; the runner does it")
    }
}

/// The table itself, or the partitions that hold its rows.
private func leaves(
    of text: String, _ source: SourceSide, _ published: [SourceLeaf]
) throws -> [SourceLeaf] {
    guard let name = try TablePattern(text).literalName else {
        throw UsageError("\(mention(text)) is a pattern", hint: "name each table that is to be copied again")
    }
    let below = try published.contains { $0.name == name } ? [name] : source.leafNames(below: [name])
    let leaves = published.filter { below.contains($0.name) }
    guard !leaves.isEmpty else {
        let near = nearest(to: text, among: published.map(\.name.description))
        throw UsageError(
            "\(mention(text)) is not a table of this stream", hint: near.map { "did you mean \(mention($0))?" })
    }
    return leaves
}
