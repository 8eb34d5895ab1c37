// `tandem init`

internal import CommandLine
internal import Configuration
internal import Foundation
internal import Glibc
internal import Model
internal import Postgres
internal import Proposal

func initialize(_ arguments: Parsed) throws -> ExitCode {
    let path = arguments.value("config") ?? "tandem.yaml"
    let isThere = access(path, F_OK) == 0
    guard let old = arguments.value("old"), let new = arguments.value("new") else {
        if isThere { return try changes(path) }
        throw UsageError("`init` needs `--old CONN` and `--new CONN`", hint: "both are libpq connection strings")
    }
    guard let oldWords = ConnectionWords(old), let newWords = ConnectionWords(new) else {
        throw UsageError(
            "a connection string cannot be read", hint: "postgresql://user@host/database, or host=… dbname=…")
    }
    if isThere { return try changes(path) }
    let server = try connect(old)
    let databases = arguments.has("all-databases") ? try FactsReader(server).databases() : [server.database]
    var (pairs, facts): ([ProposedConfiguration.Pair], [TableFacts]) = ([], [])
    for database in databases {
        let isOwn = sameName(database, server.database)
        let one = isOwn ? server : try connect(oldWords.leading(to: database))
        let found = try FactsReader(one).read()
        if found.isEmpty && databases.count > 1 { continue }
        facts += found
        let name = pairName(database, pairs.map(\.name))
        let all = arguments.has("all-databases")
        pairs.append(
            ProposedConfiguration.Pair(
                name: name, old: all ? oldWords.leading(to: database) : old,
                new: all ? newWords.leading(to: database) : new))
    }
    let migration = arguments.value("migration") ?? pairs.first?.name ?? "migration"
    let proposed = ProposedConfiguration(migration: migration, pairs: pairs, facts: facts)
    let isSecret = oldWords.hasPassword || newWords.hasPassword
    if arguments.has("dry-run") {
        Terminal.show(proposed.text)
        Terminal.note("This would be written to \(withoutControls(path)).")
        return DryRun.end()
    }
    try write(proposed.text, to: path, isSecret: isSecret)
    report(proposed, path, isSecret: isSecret)
    return .done
}

private func connect(_ conninfo: String) throws -> Connection {
    try Connection(
        to: ConnectionTarget(conninfo: conninfo, label: "old"), for: .control, as: "tandem init", stop: processStop)
}

/// What may stand in the name of a slot, and is not taken.
private func pairName(_ database: String, _ taken: [String]) -> String {
    let tame = database.lowercased().unicodeScalars.map { scalar in
        ("a"..."z").contains(scalar) || ("0"..."9").contains(scalar) ? Character(scalar) : "_"
    }
    let name = String(tame.prefix(20))
    return taken.contains(name) ? "\(name.prefix(16))_\(taken.count + 1)" : name
}

/// Never over a file that is there.
private func write(_ text: String, to path: String, isSecret: Bool) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, isSecret ? 0o600 : 0o644)
    guard descriptor >= 0 else {
        throw ConfigurationError(
            file: path, place: nil, message: "cannot be written: \(String(cString: strerror(errno)))")
    }
    let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    do { try file.write(contentsOf: Data(text.utf8)) } catch {
        unlink(path)
        throw ConfigurationError(file: path, place: nil, message: "cannot be written: the disk may be full")
    }
}

private func report(_ proposed: ProposedConfiguration, _ path: String, isSecret: Bool) {
    Terminal.show("wrote \(withoutControls(path))")
    for (place, name) in [
        (Proposal.Place.dataA, "data_a"), (.dataB, "data_b"), (.excluded, "exclude"), (.undecided, "undecided"),
    ] { Terminal.show("  " + name.padding(toLength: 11, withPad: " ", startingAt: 0) + "\(proposed.count(place))") }
    if isSecret {
        Terminal.note(
            "A password stands in it, so only you may read it (mode 600). Better: put the password into ~/.pgpass, or write"
                + " ${NAME} and set that variable.")
    }
    Terminal.show(
        proposed.undecided > 0
            ? "Decide what stands under `undecided`; nothing runs before that. Then `tandem config show` and `tandem preflight`."
            : "Read it, then `tandem config show`, `tandem preflight` and `tandem run`.")
}

// MARK: a configuration that is there

/// What old has that the configuration does not speak of, and the other way round.
private func changes(_ path: String) throws -> ExitCode {
    let configuration = try Configuration.read(path: path, environment: ProcessInfo.processInfo.environment)
    let selection = TableSelection(configuration)
    var (named, unnamed, unfit): (Set<QualifiedName>, [Proposal], [String]) = ([], [], [])
    for pair in configuration.pairs {
        let facts = try FactsReader(try connect(pair.old)).read()
        named.formUnion(facts.map(\.name))
        unnamed += facts.filter { selection.verdict(on: $0.name).kind == .unnamed }.map { Proposal($0) }
        unfit += facts.compactMap { misfit($0, selection, configuration) }
    }
    Terminal.show("\(withoutControls(path)) is there and stays as it is")
    for proposal in unnamed.sorted(by: { $0.facts.name < $1.facts.name }) {
        Terminal.show(
            "  not named: \(proposal.facts.name)  (\(proposal.place.key)? \(withoutControls(proposal.said)))"
        )
    }
    let literals =
        (configuration.dataA + configuration.dataB.map(\.pattern) + configuration.exclude + configuration.undecided)
        .compactMap { pattern in pattern.literalName.map { (name: $0, place: pattern.place) } }
    let gone = literals.filter { !named.contains($0.name) }
    for one in gone { Terminal.show("  gone from old: \(one.name)  (line \(one.place.line))") }
    for one in unfit.sorted() { Terminal.show("  no longer fits: \(one)") }
    if unnamed.isEmpty && gone.isEmpty && unfit.isEmpty {
        Terminal.show("  it names every table of old, and nothing else")
    }
    if !configuration.undecided.isEmpty {
        Terminal.show("  still undecided: \(configuration.undecided.map { mention($0.text) }.joined(separator: ", "))")
    }
    return .done
}

/// What was decided for a table, and cannot be any more.
private func misfit(_ facts: TableFacts, _ selection: TableSelection, _ configuration: Configuration) -> String? {
    let (kind, by) = selection.verdict(on: facts.name)
    let place = by.map { "line \($0.place.line)" } ?? ""
    if kind == .dataA, let obstacle = Proposal.obstacle(to: facts) {
        // A pattern takes in what it can, and leaves such views alone.
        if facts.kind == .materializedView, by?.isLiteral != true { return nil }
        return "\(facts.name)  (data_a, \(place)): \(obstacle)"
    }
    guard kind == .dataB, case .modified(let column) = configuration.dataB.first(where: { $0.pattern == by })?.refresh,
        !facts.timestamps.contains(where: { sameName($0.column, column) })
    else { return nil }
    return "\(facts.name)  (data_b, \(place)): it has no timestamp column \(visiblyQuoted(column))"
}

extension Proposal.Place {
    fileprivate var key: String {
        switch self {
        case .dataA: "data_a"
        case .dataB: "data_b"
        case .excluded: "exclude"
        case .undecided: "undecided"
        }
    }
}
