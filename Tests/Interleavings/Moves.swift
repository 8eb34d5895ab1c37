// All that may happen next in a world: one act of an instance, a stream, repair or a transition at a time. Whatever the rules
// of the trial allow is possible in any order; that is what makes the search exhaustive.

internal import Model
internal import Protocol

final class Moves {
    let trial: Trial
    /// Sentences are only made when a path is told.
    let isTelling: Bool

    struct Move {
        let world: World
        let text: String
        let fault: String?
    }

    private(set) var found: [Move] = []

    init(_ trial: Trial, telling: Bool = false) {
        self.trial = trial
        isTelling = telling
    }

    func collect(from world: World) {
        found.removeAll(keepingCapacity: true)
        for instance in trial.programs.indices { act(world, instance) }
        let others = found.count
        for stream in 0...1 { follow(world, stream) }
        beat(world)
        repair(world)
        pass(world)
        if found.count == others, isHeldUp(world) {
            emit(world, "nothing more happens", fault: "writers are held for a step that cannot be taken")
        }
        die(world)
    }

    /// Nobody can write, nobody has the row, and the step is not taken.
    private func isHeldUp(_ world: World) -> Bool {
        world.progress == .acting && (0...1).allSatisfy { world.isFenced($0) && isFree(world, $0) }
    }

    func emit(_ world: World, _ text: @autoclosure () -> String, fault: String? = nil) {
        found.append(Move(world: world, text: isTelling ? text() : "", fault: fault ?? self.fault(in: world)))
    }

    // MARK: what holds

    func row(_ world: World) -> StepRow { world.isOver ? trial.to : trial.from }
    func truth(_ world: World) -> Int { row(world).truth == .old ? 0 : 1 }
    static func name(_ side: Int) -> String { side == 0 ? "old" : "new" }
    static func name(stream: Int) -> String { stream == 0 ? "forward" : "reverse" }

    func role(_ world: World, _ stream: Int) -> StreamRole {
        if stream == 1 && !world.hasReverse { return .off }
        return (world.hasHeard(stream) ? trial.to : trial.from).role(of: stream == 0 ? .forward : .reverse)
    }

    /// Nobody's transaction holds the row there.
    func isFree(_ world: World, _ side: Int, but instance: Int = -1) -> Bool {
        trial.programs.indices.allSatisfy { $0 == instance || !holdsRow(world, $0, side) }
    }

    func holdsRow(_ world: World, _ instance: Int, _ side: Int) -> Bool {
        switch world.place(instance) {
        case .idle, .oldCommitted: false
        case .lockedOld, .swallowed, .newCommitted: side == 0
        case .lockedBoth, .wroteBoth: true
        case .lockedNew, .wroteNew, .halfLeft: side == 1
        case .wroteOld: side == 0 || (world.mode(instance) != .oldOnly && isChange(world, instance))
        }
    }

    func isChange(_ world: World, _ instance: Int) -> Bool { operation(world, instance) == .change }

    func operation(_ world: World, _ instance: Int) -> Operation? {
        let number = world.operation(instance)
        return number < trial.programs[instance].count ? trial.programs[instance][number] : nil
    }

    /// The shared lock that every first write takes, until the transaction ends.
    func holdsFence(_ world: World, _ instance: Int, _ side: Int) -> Bool {
        switch world.place(instance) {
        case .idle, .lockedOld, .lockedBoth, .lockedNew, .oldCommitted: false
        case .wroteOld, .swallowed, .newCommitted: side == 0
        case .wroteBoth: true
        case .wroteNew, .halfLeft: side == 1
        }
    }

    func inFlight(_ world: World, on sides: ClosedRange<Int> = 0...1) -> UInt8 {
        var mask: UInt8 = 0
        for instance in trial.programs.indices where sides.contains(where: { holdsFence(world, instance, $0) }) {
            mask |= UInt8(1 << instance)
        }
        return mask
    }

    // MARK: what must never be

    private func fault(in world: World) -> String? {
        let truth = truth(world)
        if world.row(truth) != world.promised {
            return "what was acknowledged is not what \(Self.name(truth)) has, which is in charge"
        }
        guard isAtRest(world), world.row(0) != world.row(1) else { return nil }
        return "everything is at rest, and the two sides differ"
    }

    private func isAtRest(_ world: World) -> Bool {
        guard world.progress == .notBegun || world.progress == .done, world.repairing == .nothing else { return false }
        for instance in trial.programs.indices {
            if world.place(instance) != .idle || operation(world, instance) != nil { return false }
        }
        for stream in 0...1 {
            if world.isTouched(stream) || (world.isOver && !world.hasHeard(stream)) { return false }
            if role(world, stream) != .off && world.position(stream) < world.logged(stream) { return false }
        }
        return true
    }
}
