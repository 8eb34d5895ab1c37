// One question to the model: a transition (or a step at rest), who begins in which mode, and what each of them does.

internal import Model
package import Protocol

package enum Operation: Character, Sendable {
    /// Overwrites without looking.
    case write = "w"
    /// Reads the row under a lock and writes back what it read, changed.
    case change = "c"
    case insert = "i"
    case delete = "d"
    /// Only reads, without a lock.
    case read = "r"
}

/// Acts of a fenced transition, as far as the model tells them apart; those of one kind in a row are one. Streams have the
/// numbers of the sides that they come from.
enum Stage: Sendable, Equatable {
    case fence(Int)
    case mark([Int], halts: Bool)
    case drain([Int])
    case position(Int)
    case commit
}

package struct Trial: Sendable {
    package let from: StepRow
    /// Equal to `from` when the pair stays where it is.
    package let to: StepRow
    /// The product's own plan of it; empty when nothing is fenced.
    let stages: [Stage]
    /// From which stage on a stream halts at its mark.
    let halts: [Int?]
    /// What each instance does, one transaction after another.
    let programs: [[Operation]]
    let modes: [Mode]
    let startsAbsent: Bool
    /// Instances whose mode no gate notices.
    let unseen: Set<Int>
    let withoutRules: Set<Rule>
    /// How often something fails in an application, and how often tandem dies or gives up.
    let failures: Int
    let crashes: Int

    package init(
        _ from: StepRow, _ to: StepRow, plan: FencedPlan?, programs: [String], modes: [Mode], unseen: Set<Int> = [],
        without rules: Set<Rule> = [], failures: Int = 1, crashes: Int = 1
    ) {
        self.from = from
        self.to = to
        let stages = Self.stages(plan?.acts ?? [], passing: !rules.contains(.passesFirst))
        self.stages = stages
        halts = [0, 1].map { stream in
            stages.firstIndex {
                switch $0 {
                case .mark(let streams, halts: true): streams.contains(stream)
                case .position(let begun): begun == stream
                case .mark, .fence, .drain, .commit: false
                }
            }
        }
        self.programs = programs.map { $0.compactMap(Operation.init(rawValue:)) }
        self.modes = modes
        startsAbsent = programs.first?.hasPrefix("i") ?? false
        self.unseen = unseen
        withoutRules = rules
        self.failures = failures
        self.crashes = crashes
    }

    private static func stages(_ acts: [FencedAct], passing: Bool) -> [Stage] {
        func number(_ direction: Direction) -> Int { direction == .forward ? 0 : 1 }
        var stages: [Stage] = []
        for act in acts {
            switch (act, stages.last) {
            case (.fence(let side), _): stages.append(.fence(side == .old ? 0 : 1))
            // Without the rule only what halts is marked, and everybody waits for that.
            case (.mark(_, halts: false), _) where !passing, (.drain(_, halts: false), _) where !passing: break
            case (.mark(let direction, let halts), .mark(let streams, let others)?) where halts == others:
                stages[stages.count - 1] = .mark(streams + [number(direction)], halts: halts)
            case (.mark(let direction, let halts), _): stages.append(.mark([number(direction)], halts: halts))
            case (.drain(let direction, _), .drain(let streams)?):
                stages[stages.count - 1] = .drain(streams + [number(direction)])
            case (.drain(let direction, _), _): stages.append(.drain([number(direction)]))
            case (.position(let direction), _): stages.append(.position(number(direction)))
            case (.commit, _): stages.append(.commit)
            case (.hold, _), (.seal, _), (.recheck, _), (.sequences, _), (.open, _), (.release, _): break
            }
        }
        return stages
    }

    var isFenced: Bool { !stages.isEmpty }

    func obeys(_ rule: Rule) -> Bool { !withoutRules.contains(rule) }

    var common: Set<Mode> { from.modes.intersection(to.modes) }

    var start: World {
        var world = World()
        let row: Row = startsAbsent ? .absent : .initial
        for side in 0...1 { world.setRow(side, row) }
        world.promised = row
        for instance in programs.indices { world.setMode(instance, modes[instance]) }
        world.hasReverse = from.reverse != .off
        world.failures = failures
        world.crashes = crashes
        if from == to { world.progress = .done }
        return world
    }

    package var title: String {
        let way = from == to ? "at \(from.step)" : "\(from.step.rawValue) to \(to.step.rawValue)"
        let who = programs.indices.map { place in
            "instance \(place + 1) in \(modes[place]) does \(String(programs[place].map(\.rawValue)))"
        }
        return "\(way), " + who.joined(separator: ", ")
    }
}
