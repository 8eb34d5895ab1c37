// `tandem bookstore …`, but for serving: loading, telling instances what to do, the derived tables, the check.

internal import Bookstore
internal import CommandLine
internal import Foundation
internal import Ledger
internal import Model
internal import Postgres
internal import Threading

extension ShopDirectory {
    init(_ arguments: Parsed) { self.init(arguments.value("dir") ?? "bookstore") }
}

extension Parsed {
    func number(_ option: String, usual: Int) -> Int { value(option).flatMap { Int($0) } ?? usual }
    func seconds(_ option: String) -> Double? { value(option).flatMap { duration($0) } }

    /// The databases that were named.
    func sides(required: Bool) throws -> [ConnectionTarget] {
        let named = ["old", "new"].compactMap { side in
            value(side).map { ConnectionTarget(conninfo: $0, label: side) }
        }
        guard !named.isEmpty || !required else {
            throw UsageError("`\(command)` needs `--old CONN`, `--new CONN` or both")
        }
        return named
    }
}

private func connect(_ target: ConnectionTarget, _ command: String) throws -> Connection {
    try Connection(to: target, for: .control, as: "tandem \(command)", stop: processStop)
}

// MARK: making and removing it

func bookstoreLoad(_ arguments: Parsed) throws -> ExitCode {
    let directory = ShopDirectory(arguments)
    let opening = Opening(
        books: arguments.number("books", usual: 1000), accounts: arguments.number("accounts", usual: 200),
        pieces: arguments.number("pieces", usual: 1000), cents: arguments.number("cents", usual: 10_000_000),
        hasKeyless: arguments.has("keyless"))
    guard (1...10_000_000).contains(opening.books), (2...10_000_000).contains(opening.accounts) else {
        throw UsageError("a bookstore has at least one book and two accounts, and at most ten million of each")
    }
    let loaders = try arguments.sides(required: true).map { ($0.label, ShopLoader(try connect($0, "bookstore load"))) }
    let replaces = arguments.has("replace")
    if let running = directory.instances.first(where: { LedgerFile.isInUse(directory.ledger($0)) }) {
        throw BookstoreError("\(running) still runs in \(mention(directory.path))", hint: "stop it first", .refused)
    }
    guard replaces || directory.instances.isEmpty else {
        throw BookstoreError(
            "\(mention(directory.path)) has ledgers of another bookstore",
            hint: "name another directory with --dir, or --replace removes them", .refused)
    }
    for (label, loader) in loaders where !replaces {
        let there = try loader.existing()
        guard there.isEmpty else {
            throw BookstoreError(
                "\(label) has a schema \(there[0]) already", hint: "--replace drops it and all that is in it", .refused)
        }
    }
    if arguments.has("dry-run") {
        for (label, loader) in loaders {
            let there = try loader.existing().map { "drop schema \($0) with all that is in it, and " }.joined()
            Terminal.show(
                "\(label): would \(there)make a bookstore with \(grouped(opening.books)) books and"
                    + " \(grouped(opening.accounts)) accounts")
        }
        let ledgers = directory.instances.count
        Terminal.show(
            "would write \(mention("\(directory.path)/opening"))"
                + (ledgers > 0 ? ", and remove \(counted(ledgers, "ledger")) there" : ""))
        return DryRun.end()
    }
    try directory.create()
    directory.clear()
    for (label, loader) in loaders {
        try loader.drop()
        try loader.load(opening, text: arguments.number("text", usual: 1000))
        Terminal.show(
            "\(label): a bookstore with \(grouped(opening.books)) books and \(grouped(opening.accounts)) accounts")
    }
    try directory.write(opening)
    return .done
}

func bookstoreDrop(_ arguments: Parsed) throws -> ExitCode {
    for target in try arguments.sides(required: true) {
        let loader = ShopLoader(try connect(target, "bookstore drop"))
        let there = try loader.existing()
        if arguments.has("dry-run") {
            Terminal.show(
                "\(target.label): "
                    + (there.isEmpty
                        ? "there is no bookstore"
                        : "would drop \(there.joined(separator: " and ")) with all that is in it"))
            continue
        }
        try loader.drop()
        Terminal.show("\(target.label): " + (there.isEmpty ? "there was no bookstore" : "the bookstore is gone"))
    }
    return arguments.has("dry-run") ? DryRun.end() : .done
}

// MARK: telling instances

func bookstoreSet(_ arguments: Parsed) throws -> ExitCode {
    let directory = ShopDirectory(arguments)
    let running = directory.instances.filter { LedgerFile.isInUse(directory.ledger($0)) }
    let wanted = Instructions(
        mode: arguments.value("mode").flatMap { Int($0) }.flatMap(InstanceMode.init(rawValue:)),
        address: arguments.value("address").flatMap(Side.init(rawValue:)),
        rate: arguments.value("rate").flatMap { Double($0) })
    guard wanted != Instructions() else {
        throw UsageError("`bookstore set` needs `--mode`, `--address` or `--rate`")
    }
    let names = arguments.arguments == ["all"] ? running : arguments.arguments
    for name in names {
        guard running.contains(name) else {
            throw BookstoreError(
                "no instance \(mention(name)) runs in \(mention(directory.path))",
                hint: running.isEmpty
                    ? "`tandem bookstore instance` starts one" : "there run: \(running.joined(separator: ", "))")
        }
    }
    if arguments.has("dry-run") {
        for name in names {
            let now = reported(name, directory).map { InstanceLine.manner($0) } ?? "starting"
            Terminal.show("\(name): would be told so in \(mention(directory.control(name))); now it is \(now)")
        }
        return DryRun.end()
    }
    var isDone = true
    for name in names { isDone = try tell(name, wanted, directory) && isDone }
    return isDone ? .done : .failed
}

private func tell(_ name: String, _ wanted: Instructions, _ directory: ShopDirectory) throws -> Bool {
    let before = (try? String(contentsOfFile: directory.control(name), encoding: .utf8)) ?? ""
    let all = try Instructions(text: before).changed(by: wanted)
    try directory.replace(directory.control(name), with: all.text)
    let deadline = Monotonic.now.adding(seconds: 10)
    while Monotonic.now < deadline, !processStop.isRaised {
        if let state = reported(name, directory), isSo(state, wanted) {
            Terminal.show("\(name): \(InstanceLine.manner(state))")
            return true
        }
        processStop.wait(seconds: 0.05)
    }
    Terminal.note("\(name) does not say that it does so; \(mention(directory.control(name))) asks it to")
    return false
}

private func isSo(_ state: InstanceReport, _ wanted: Instructions) -> Bool {
    (wanted.mode == nil || wanted.mode?.rawValue == state.mode)
        && (wanted.address == nil || wanted.address?.rawValue == state.address && state.mode != nil)
        && (wanted.rate == nil || wanted.rate == state.rate)
}

private func reported(_ name: String, _ directory: ShopDirectory) -> InstanceReport? {
    (try? String(contentsOfFile: directory.state(name), encoding: .utf8)).flatMap { InstanceReport.decode($0) }
}

func bookstoreList(_ arguments: Parsed) throws -> ExitCode {
    let directory = ShopDirectory(arguments)
    _ = try directory.opening()
    for name in directory.instances {
        let isRunning = LedgerFile.isInUse(directory.ledger(name))
        let state = isRunning ? reported(name, directory) : nil
        if arguments.has("json") {
            Terminal.json(InstanceStanding(instance: name, isRunning: isRunning, report: state))
        } else {
            Terminal.show(state.map { InstanceLine.text($0) } ?? "\(name): \(isRunning ? "starting" : "not running")")
        }
    }
    return .done
}

private struct InstanceStanding: Encodable {
    let instance: String
    let isRunning: Bool
    let report: InstanceReport?
}

// MARK: derived tables

func bookstoreBatch(_ arguments: Parsed) throws -> ExitCode {
    let target = ConnectionTarget(conninfo: arguments.value("on") ?? "", label: "the bookstore's database")
    let every = arguments.seconds("every") ?? 5
    // Not stopped in the middle of a statement: a transaction at work comes to its end.
    let batch = DerivedBatch(try Connection(to: target, for: .control, as: "bookstore batch"))
    if arguments.has("dry-run") {
        try batch.look()
        Terminal.show(
            "would write daily sales and bestsellers and refresh the ratings, "
                + (arguments.has("once") ? "once" : "every \(readable(seconds: every)), until stopped"))
        return DryRun.end()
    }
    repeat {
        let round = try batch.round()
        if arguments.has("json") {
            Terminal.json(round)
        } else {
            Terminal.show(
                "derived: \(counted(round.days, "row")) of daily sales, \(counted(round.bestsellers, "bestseller")), ratings, in"
                    + " \(readable(seconds: round.seconds))")
        }
        if arguments.has("once") { return .done }
    } while !processStop.wait(seconds: every)
    return .done
}

// MARK: the check

func bookstoreCheck(_ arguments: Parsed) throws -> ExitCode {
    let verdicts = try judge(ShopDirectory(arguments), try arguments.sides(required: false))
    for verdict in verdicts {
        if arguments.has("json") {
            Terminal.json(VerdictLine(verdict))
        } else {
            Terminal.show(VerdictLine(verdict).text)
        }
    }
    return verdicts.allSatisfy(\.isClean) ? .done : .differs
}

/// What the ledgers say of each database; of themselves when none is named.
func judge(_ directory: ShopDirectory, _ targets: [ConnectionTarget]) throws -> [LedgerVerdict] {
    let opening = try directory.opening()
    guard !directory.instances.isEmpty else {
        throw BookstoreError(
            "there is no ledger in \(mention(directory.path))",
            hint: "instances write them: `tandem bookstore instance`")
    }
    if let running = directory.instances.first(where: { LedgerFile.isInUse(directory.ledger($0)) }) {
        throw BookstoreError("\(running) still runs: a check needs a bookstore at rest", hint: "stop it first")
    }
    let check = HistoryCheck(try directory.history(), opening: opening)
    guard !targets.isEmpty else { return [check.verdict()] }
    return try targets.map { target in
        check.verdict(against: try FinalStateReader(try connect(target, "bookstore check"), opening).read())
    }
}
