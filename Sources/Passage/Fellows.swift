// The other pairs that one command has moved together with this one. What they say decides what becomes of a pair that was left
// behind: as long as one of them is committed nothing is undone, and whoever attends to the first of those brings the rest along.

internal import Configuration
internal import Fence
internal import Model
internal import Postgres
internal import Protocol
internal import State
internal import Stream
internal import Threading

struct Fellows {
    private let configuration: Configuration
    private let pair: String
    private let stop: StopSignal

    init(of pair: String, _ configuration: Configuration, stop: StopSignal) {
        (self.pair, self.configuration, self.stop) = (pair, configuration, stop)
    }

    var plans: [StreamPlan] { configuration.pairs.map { StreamPlan(configuration, $0) } }

    /// In the order of the configuration.
    struct Found {
        var committed: [String] = []
        var left: [String] = []
    }

    /// Those of which the same is written. Throws when one cannot be asked, or is about to commit: then nothing is known.
    func read(_ intent: Intent) throws -> Found {
        var found = Found()
        for plan in plans where plan.pair != pair {
            let desk = try PairDesk(configuration, plan, as: "attend", stop: stop)
            _ = try desk.reached()
            // One that waits for a standby's word is not to be seen yet.
            if let giver = desk.connection(desk.standing.truth), try !FenceShare(giver, plan.stream).isFree() {
                throw StateError.refused(
                    "what becomes of pair \(plan.pair), which was begun with \(pair), is not known yet",
                    hint: "`tandem step` shows where each stands")
            }
            try desk.readAgain()
            guard let other = desk.standing.intent, other.from == intent.from, other.to == intent.to else { continue }
            if desk.standing.step == intent.to {
                found.committed.append(plan.pair)
            } else {
                found.left.append(plan.pair)
            }
        }
        return found
    }

    /// Whether this pair comes before all of those.
    func comesFirst(before others: [String]) -> Bool {
        configuration.pairs.first { $0.name == pair || others.contains($0.name) }?.name == pair
    }
}
