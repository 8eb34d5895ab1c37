// `tandem fleet`

internal import CommandLine
internal import Configuration
internal import Foundation
internal import Model
internal import Passage
internal import Postgres
internal import Protocol
internal import State
internal import Stream
internal import Threading

func fleet(_ arguments: Parsed) throws -> ExitCode {
    let workspace = try Workspace(arguments)
    let redraws = arguments.has("watch") && Terminal.hasScreen && !arguments.has("json")
    if redraws { Terminal.show("\u{1b}[2J") }
    var verdict = ExitCode.done
    repeat {
        let screens = try workspace.plans.map { try FleetScreen(workspace.configuration, $0) }
        if redraws { Terminal.show("\u{1b}[H\u{1b}[Jtandem fleet, every second (Ctrl-C ends)\n") }
        if arguments.has("json") {
            Terminal.json(screens.map(\.machineReadable))
        } else {
            Terminal.show(screens.map(\.text).joined(separator: "\n\n"))
        }
        verdict = screens.contains(where: \.hasStragglers) ? .refused : .done
    } while arguments.has("watch") && !processStop.wait(seconds: 1)
    return verdict
}

struct FleetScreen {
    private let plan: StreamPlan
    private let configuration: Configuration
    private let step: Step
    private let row: StepRow?
    private let reading: FleetReading
    private let twins: [TwinTable]

    init(_ configuration: Configuration, _ plan: StreamPlan) throws {
        let desk = try PairDesk(configuration, plan, as: "fleet", stop: processStop)
        for side in Side.allCases {
            if let problem = desk.problems[side] { throw problem }
        }
        guard let old = desk.old, let new = desk.new else { throw StateError.notPrepared(pair: plan.pair) }
        (self.plan, self.configuration) = (plan, configuration)
        step = desk.standing.step
        row = desk.standing.row
        reading = try FleetReader(plan).read(old: old, new: new)
        let onNew = try TargetSide(old, plan.stream.opposite).twins()
        let onOld = try TargetSide(new, plan.stream).twins()
        twins = TwinTable.sum(onNew, onOld)
    }

    private var allowed: Set<Mode> { row?.modes ?? [] }

    private func isStraggler(_ instance: FleetCensus.Instance) -> Bool {
        instance.age < configuration.gates.quiet && !(instance.mode.map(allowed.contains) ?? false)
    }

    var hasStragglers: Bool { reading.fleet.instances.contains(where: isStraggler) }

    /// Of `fleet:`, who was never seen.
    private var missing: [String] {
        configuration.fleet.filter { pattern in
            !reading.fleet.instances.contains { pattern.matches($0.name) }
                && reading.fleet.lacks(pattern.matches, in: allowed, connected: reading.connected)
        }.map(\.text)
    }

    // MARK: for people

    var text: String {
        let modes = allowed.sorted().map { "\($0.rawValue)" }.joined(separator: " and ")
        var lines = [Terminal.strong("pair \(plan.pair): \(step), modes \(modes.isEmpty ? "none" : modes)")]
        for (side, reason) in reading.blind.sorted(by: { $0.key.rawValue > $1.key.rawValue }) {
            lines.append("  not seen on \(side.rawValue): \(reason)")
        }
        let instances = reading.fleet.instances
        if !instances.isEmpty {
            lines.append("  " + Self.columns("instance", "mode", "old", "new", "transactions", "from"))
        }
        for instance in instances {
            let line = Self.columns(
                instance.name.isEmpty ? "(no name)" : withoutControls(instance.name), Self.mode(instance),
                Self.age(instance.ages[.old]), Self.age(instance.ages[.new]), grouped(instance.transactions),
                reading.addresses[instance.name]?.joined(separator: " ") ?? "gone")
            lines.append("  " + (isStraggler(instance) ? Terminal.alarming(line + "  straggler") : line))
        }
        for name in missing { lines.append(Terminal.alarming("  \(mention(name)) of `fleet` was never seen")) }
        for table in twins where !table.counts.isEmpty {
            lines.append("  twins of \(table.table): \(TwinLines.inWords(table.counts))")
            lines += TwinLines.byWriter(table).map { "    " + $0 }
        }
        return lines.joined(separator: "\n")
    }

    private static func mode(_ instance: FleetCensus.Instance) -> String {
        if let mode = instance.mode { return instance.declared.isEmpty ? "1 (undeclared)" : "\(mode.rawValue)" }
        return instance.declared.isEmpty ? "none" : withoutControls(instance.declared)
    }

    private static func age(_ seconds: Double?) -> String {
        seconds.map { "\(($0 * 10).rounded() / 10) s" } ?? "never"
    }

    private static func columns(_ texts: String...) -> String {
        let widths = [20, 15, 9, 9, 13, 0]
        return zip(texts, widths).map { text, width in
            text + String(repeating: " ", count: max(1, width - text.count))
        }.joined().trimmingCharacters(in: .whitespaces)
    }

    // MARK: for machines

    struct Line: Encodable {
        struct Instance: Encodable {
            let name: String
            let mode: Int?
            let declared: String
            let lastOnOld: Double?
            let lastOnNew: Double?
            let transactions: Int
            let addresses: [String]
            let isStraggler: Bool
        }

        let pair: String
        let step: Int
        let modes: [Int]
        let blind: [String: String]
        let instances: [Instance]
        let missing: [String]
        let twins: [TwinLine]
    }

    var machineReadable: Line {
        Line(
            pair: plan.pair, step: step.rawValue, modes: allowed.sorted().map(\.rawValue),
            blind: Dictionary(uniqueKeysWithValues: reading.blind.map { ($0.key.rawValue, $0.value) }),
            instances: reading.fleet.instances.map {
                Line.Instance(
                    name: $0.name, mode: $0.mode?.rawValue, declared: $0.declared, lastOnOld: $0.ages[.old],
                    lastOnNew: $0.ages[.new], transactions: $0.transactions,
                    addresses: reading.addresses[$0.name] ?? [], isStraggler: isStraggler($0))
            }, missing: missing, twins: twins.map(TwinLine.init))
    }
}
