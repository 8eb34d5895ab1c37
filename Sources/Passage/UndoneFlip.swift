// What is left to do when a fenced transition came to nothing before its commit: clients that a hook has held go on where they
// were, gates are as the epoch has them, and nothing says any more that anybody is held. Used by the command itself and, for one
// that is gone, by `tandem run`. Whoever has lost the pair's lock does nothing.

internal import Configuration
internal import Failpoints
internal import Fence
internal import Model
internal import Postgres
internal import Protocol
internal import State
internal import Stream
internal import Threading

struct UndoneFlip {
    private let desks: [PairDesk]
    private let transition: Transition
    private let configuration: Configuration
    private let command: String
    private let isHeld: Bool
    /// Other pairs of the same command were committed: what was begun for these stays written, to be done with the same command.
    private let keepsIntent: Bool
    private let say: (String) -> Void
    private static let patience = 10.0

    init(
        _ desks: [PairDesk], _ transition: Transition, _ configuration: Configuration, as command: String, isHeld: Bool,
        keepsIntent: Bool = false, say: @escaping (String) -> Void
    ) {
        (self.desks, self.transition, self.configuration) = (desks, transition, configuration)
        (self.command, self.isHeld, self.keepsIntent, self.say) = (command, isHeld, keepsIntent, say)
    }

    /// What fails is said, and left to `tandem run`, which finds it written that somebody is held. False then.
    @discardableResult
    func run() -> Bool { letGo() && takeBack() }

    /// What each side has written, the one in charge first: when the other one is away, this one is as it was.
    func takeBack() -> Bool {
        var isWhole = true
        for desk in desks {
            for side in [desk.standing.truth, desk.standing.truth.other] {
                do {
                    try desk.afresh(side, seconds: Self.patience) { connection in
                        try FenceGate(connection, desk.plan.stream, on: side).derive()
                        let book = EpochBook(connection, desk.plan.stream)
                        if keepsIntent { try book.clearHeld() } else { try book.set(intent: nil, by: "") }
                    }
                } catch {
                    say("\(desk.plan.pair): \(error); `tandem run` sees to it")
                    isWhole = false
                }
            }
        }
        return isWhole
    }

    /// Whoever has taken over has let clients go. Our hook may have been late, and have held them after that: so they are let go
    /// to where charge is by now, unless somebody is about to hold them.
    private func letGoAgain(_ desk: PairDesk) {
        do {
            var found: [(epoch: Epoch, intent: Intent?)] = []
            for side in Side.allCases {
                try desk.afresh(side, seconds: Self.patience) { connection in
                    let book = EpochBook(connection, desk.plan.stream)
                    if let epoch = try book.read() { found.append((epoch, try book.intent())) }
                }
            }
            guard let epoch = found.map(\.epoch).max(by: { $0.number < $1.number }),
                !found.contains(where: { $0.intent?.held != nil })
            else { return }
            let moment: OperatorHook.Moment = epoch.truth == desk.table[transition.from]?.truth ? .undo : .go
            try OperatorHook(moment, configuration, transition, as: command, pairs: [desk.plan.pair]).run(
                stop: StopSignal(), say: say)
        } catch {
            say("clients of \(desk.plan.pair) may still be held: \(error)")
        }
    }

    /// Clients that a hook has held. False when nothing more is to be done here.
    func letGo() -> Bool {
        guard desks.allSatisfy(\.hasLock) else {
            say("another tandem has taken over, or neither side answers; nothing more is done here")
            if isHeld { desks.forEach(letGoAgain) }
            return false
        }
        guard isHeld else { return true }
        let hook = OperatorHook(.undo, configuration, transition, as: command, pairs: desks.map(\.plan.pair))
        do {
            // Also when somebody has asked tandem to stop: clients must not be left waiting.
            try hook.run(stop: StopSignal(), say: say)
            return true
        } catch {
            say("clients may still be held: \(error); `tandem run` tries again")
            return false
        }
    }
}
