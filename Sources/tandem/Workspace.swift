// What every command starts from: the configuration, the pairs asked for, connections to their sides.

internal import CommandLine
internal import Configuration
internal import Foundation
internal import Model
internal import Postgres
internal import State
internal import Stream
internal import Threading

struct Workspace {
    let configuration: Configuration
    let plans: [StreamPlan]

    init(_ arguments: Parsed) throws {
        configuration = try Configuration.read(
            path: arguments.value("config") ?? "tandem.yaml", environment: ProcessInfo.processInfo.environment)
        var pairs = configuration.pairs
        if let name = arguments.value("pair") {
            guard let pair = configuration.pair(named: name) else {
                let near = nearest(to: name, among: pairs.map(\.name))
                throw UsageError(
                    "the configuration has no pair \(mention(name))",
                    hint: near.map { "did you mean `\($0)`?" }
                        ?? "its pairs: " + pairs.map(\.name).joined(separator: ", "))
            }
            pairs = [pair]
        }
        plans = pairs.map { [configuration] pair in StreamPlan(configuration, pair) }
    }

    /// Every stream that there is: of each pair the one forward, and the one back where it was made.
    var streams: [StreamPlan] {
        plans.flatMap { plan -> [StreamPlan] in
            let back = plan.opposite
            guard let old = Reached(plan.old, as: "\(plan.stream) lag").connection,
                (try? TargetSide(old, back.stream).binding()) ?? nil != nil
            else { return [plan] }
            return [plan, back]
        }
    }

    /// Of each pair the stream that carries what counts: the one back, once new is in charge.
    func plansInCharge() throws -> [StreamPlan] { try plans.map { try $0.inCharge() } }

    /// For commands that act on one stream at a time.
    func onePlan(for command: String) throws -> StreamPlan {
        guard plans.count == 1 else {
            throw UsageError(
                "`tandem \(command)` works on one pair, the configuration has \(plans.count)",
                hint: "add `--pair \(plans[0].pair)`; its pairs: " + plans.map(\.pair).joined(separator: ", "))
        }
        return plans[0]
    }
}

extension StreamPlan {
    func inCharge() throws -> StreamPlan {
        try PairEpochs(self, stop: processStop).direction() == stream.direction ? self : opposite
    }
}

/// A connection that may fail without failing the command: what was learned is shown, the rest is said to be unknown.
struct Reached {
    let connection: Connection?
    let problem: String?

    init(_ target: ConnectionTarget, as name: String) {
        do {
            connection = try Connection(to: target, for: .control, as: name, stop: processStop)
            problem = nil
        } catch {
            connection = nil
            problem = error.description
        }
    }
}
