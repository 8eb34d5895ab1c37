// Breadth first through every interleaving of a trial, so that the first fault found is one of the shortest. States are kept
// whole, each with the one it was reached from, and found again by a table of their hashes.

package struct Outcome: Sendable {
    package let states: Int
    /// What happened, act by act, and what was wrong in the end; nil when every interleaving is right.
    package let counterexample: [String]?
}

package struct Search {
    private let trial: Trial
    private var worlds: [World] = []
    private var origins: [Int32] = []
    private var slots: [Int32]
    private var mask: Int

    package init(_ trial: Trial) {
        self.trial = trial
        slots = Array(repeating: -1, count: 1 << 12)
        mask = slots.count - 1
    }

    /// `longest`: how many lines a counterexample may have to be of interest; every interleaving when nil. A trial must be
    /// small enough to be searched whole.
    package mutating func run(longest: Int? = nil, limit: Int = 8_000_000) -> Outcome {
        let moves = Moves(trial)
        _ = add(trial.start, from: -1)
        var next = 0
        // Where those begin that are one act further away.
        var (depth, ring) = (0, 1)
        while next < worlds.count {
            if next == ring {
                depth += 1
                ring = worlds.count
                if let longest, depth + 2 > longest { break }
            }
            moves.collect(from: worlds[next])
            for move in moves.found {
                if let fault = move.fault {
                    return Outcome(states: worlds.count, counterexample: path(to: next) + [last(next, move), fault])
                }
                _ = add(move.world, from: Int32(next))
            }
            precondition(worlds.count < limit, "too many states: \(trial.title)")
            next += 1
        }
        return Outcome(states: worlds.count, counterexample: nil)
    }

    private mutating func add(_ world: World, from origin: Int32) -> Bool {
        if worlds.count * 2 >= slots.count { grow() }
        var place = Int(truncatingIfNeeded: world.fingerprint) & mask
        while slots[place] >= 0 {
            if worlds[Int(slots[place])] == world { return false }
            place = (place + 1) & mask
        }
        slots[place] = Int32(worlds.count)
        worlds.append(world)
        origins.append(origin)
        return true
    }

    private mutating func grow() {
        slots = Array(repeating: -1, count: slots.count * 4)
        mask = slots.count - 1
        for (number, world) in worlds.enumerated() {
            var place = Int(truncatingIfNeeded: world.fingerprint) & mask
            while slots[place] >= 0 { place = (place + 1) & mask }
            slots[place] = Int32(number)
        }
    }

    // MARK: telling

    private func path(to end: Int) -> [String] {
        var numbers: [Int] = []
        var number = end
        while number >= 0 {
            numbers.append(number)
            number = Int(origins[number])
        }
        numbers.reverse()
        return zip(numbers, numbers.dropFirst()).map { from, to in text(worlds[from], to: worlds[to]) }
    }

    private func text(_ from: World, to world: World) -> String {
        let moves = Moves(trial, telling: true)
        moves.collect(from: from)
        return moves.found.first { $0.world == world }?.text ?? "?"
    }

    private func last(_ from: Int, _ move: Moves.Move) -> String {
        let moves = Moves(trial, telling: true)
        moves.collect(from: worlds[from])
        return moves.found.first { $0.world == move.world && $0.fault == move.fault }?.text ?? "?"
    }
}
