// `tandem bookstore instance` and `tandem bookstore fleet`.

internal import Bookstore
internal import CommandLine
internal import Foundation
internal import Model
internal import Threading

func bookstoreInstance(_ arguments: Parsed) throws -> ExitCode {
    let name = arguments.arguments[0]
    guard isInstanceName(name) else {
        throw UsageError("\(mention(name)) is no name of an instance", hint: "letters, digits, - and _, at most 40")
    }
    let instance = try Instance(try instancePlan(name, arguments), in: ShopDirectory(arguments))
    if arguments.has("dry-run") {
        try instance.look(processStop)
        Terminal.show("\(name): would \(serving(arguments))")
        return DryRun.end()
    }
    let isJSON = arguments.has("json")
    var (seconds, longest) = (0.0, 0.0)
    let total = try instance.run(
        stop: processStop,
        report: { report in
            (seconds, longest) = (report.seconds, report.longestWait)
            if isJSON { Terminal.json(report) } else if !report.isLast { Terminal.show(InstanceLine.text(report)) }
        },
        note: Terminal.note)
    if !isJSON { Terminal.show("\(name): " + InstanceLine.summary(total, seconds: seconds, longestWait: longest)) }
    return .done
}

/// In words that follow `would`.
private func serving(_ arguments: Parsed) -> String {
    let rate = arguments.number("rate", usual: 0)
    let manner =
        arguments.value("strategy") == "pause" ? "one address at a time" : "mode \(arguments.value("mode") ?? "1")"
    return "serve \(counted(arguments.number("clients", usual: 2), "customer")) at once in \(manner), "
        + (rate > 0 ? "\(rate) operations a second" : "as many operations as come")
        + (arguments.value("for").map { ", for \($0)" } ?? ", until stopped")
}

private func instancePlan(_ name: String, _ arguments: Parsed) throws -> InstancePlan {
    let environment = ProcessInfo.processInfo.environment
    guard let old = arguments.value("old") ?? environment["TANDEM_BOOKSTORE_OLD"] else {
        throw UsageError(
            "`\(arguments.command)` needs `--old CONN`", hint: "or the environment variable TANDEM_BOOKSTORE_OLD")
    }
    var plan = InstancePlan(name: name, old: old)
    plan.new = (arguments.value("new") ?? environment["TANDEM_BOOKSTORE_NEW"]).flatMap { $0.isEmpty ? nil : $0 }
    plan.strategy = arguments.value("strategy").flatMap(Strategy.init(rawValue:)) ?? .dualWrite
    let isPause = plan.strategy == .pause
    if let mode = arguments.value("mode").flatMap({ Int($0) }).flatMap(InstanceMode.init(rawValue:)) {
        guard !isPause || !mode.writesBoth else {
            throw UsageError("an instance that knows one address at a time has no mode \(mode.rawValue)")
        }
        plan.mode = mode
    }
    if arguments.has("follow"), !isPause || plan.new == nil {
        throw UsageError("`--follow` needs `--strategy pause` and `--new CONN`")
    }
    plan.follows = arguments.has("follow")
    plan.clients = arguments.number("clients", usual: 2)
    guard (1...500).contains(plan.clients) else { throw UsageError("`--clients` must be 1 to 500") }
    plan.rate = Double(arguments.number("rate", usual: 0))
    plan.think = arguments.seconds("think") ?? 0
    plan.patience = arguments.seconds("patience") ?? (isPause ? 30 : 10)
    plan.seconds = arguments.seconds("for")
    plan.seed = UInt64(arguments.number("seed", usual: 1))
    plan.text = arguments.number("text", usual: 4000)
    plan.importRows = arguments.number("import-rows", usual: 5000)
    plan.mix = arguments.value("mix")
    plan.lockTimeout = arguments.seconds("lock-timeout") ?? 2
    plan.statementTimeout = arguments.seconds("statement-timeout") ?? (isPause ? 30 : 5)
    plan.isDeclared = !arguments.has("undeclared")
    plan.fault = arguments.value("fault").flatMap(Fault.init(rawValue:))
    return plan
}

// MARK: several

func bookstoreFleet(_ arguments: Parsed) throws -> ExitCode {
    let count = arguments.number("instances", usual: 3)
    guard (1...100).contains(count) else { throw UsageError("`--instances` must be 1 to 100") }
    // What is wrong with the options is said once.
    let plan = try instancePlan("web-1", arguments)
    let first = try Instance(plan, in: ShopDirectory(arguments))
    if arguments.has("dry-run") {
        try first.look(processStop)
        Terminal.show("would start web-1 to web-\(count), each a process that would \(serving(arguments))")
        return DryRun.end()
    }
    let isJSON = arguments.has("json")
    let fleet = Fleet(directory: ShopDirectory(arguments)) { line in if isJSON { Terminal.show(line) } }
    defer { fleet.end() }
    for number in 1...count {
        try fleet.start("web-\(number)", old: plan.old, new: plan.new, Fleet.words(arguments))
    }
    var last = Monotonic.now
    while !processStop.wait(seconds: 0.1), fleet.isRunning {
        guard last.age >= 1 else { continue }
        last = .now
        if !isJSON { Terminal.show(fleet.board.text) }
    }
    let status = fleet.end()
    if !isJSON {
        let board = fleet.board
        Terminal.show(InstanceLine.summary(board.total, seconds: board.seconds, longestWait: board.longestWait))
    }
    return status == 0 ? .done : .failed
}
