// What tandem may do next: streams that apply or watch, repair, and the acts of a transition, in which it may die.

internal import Model
internal import Protocol

extension Moves {
    // MARK: streams

    func follow(_ world: World, _ stream: Int) {
        if world.isOver && !world.hasHeard(stream) {
            var next = world
            hear(&next, stream)
            emit(next, "\(Self.name(stream: stream)) hears of the new step")
        }
        let role = role(world, stream)
        guard role != .off, world.position(stream) < world.logged(stream) else { return }
        let image = world.log(stream, world.position(stream))
        var next = world
        next.setPosition(stream, world.position(stream) + 1)
        if role == .watch {
            let awaited: UInt8 =
                !trial.obeys(.settles)
                ? 0 : trial.obeys(.settlesOnBothSides) ? inFlight(world) : inFlight(world, on: stream...stream)
            next.touch(stream, at: world.position(stream), awaiting: awaited)
            return emit(next, "\(Self.name(stream: stream)) sees the row touched on \(Self.name(stream))")
        }
        let target = 1 - stream
        guard isFree(world, target) else { return }
        next.setRow(target, image)
        emit(next, "\(Self.name(stream: stream)) applies to \(Self.name(target)) what \(Self.name(stream)) wrote")
    }

    private func hear(_ world: inout World, _ stream: Int) {
        let before = role(world, stream)
        world.setHeard(stream)
        guard before == .watch, role(world, stream) == .apply else { return }
        world.setPosition(stream, world.start(stream))
    }

    /// The heartbeat that an applying stream brings along: whatever was written before it has been applied.
    func beat(_ world: World) {
        guard world.awaitsBeat else { return }
        for stream in 0...1 where role(world, stream) == .apply && !isHalted(world, stream) {
            guard world.position(stream) == world.logged(stream) else { continue }
            var next = world
            next.awaitsBeat = false
            emit(next, "\(Self.name(stream: stream)) has applied everything written so far")
        }
    }

    /// At its mark, until somebody knows what became of the step.
    private func isHalted(_ world: World, _ stream: Int) -> Bool {
        guard trial.obeys(.haltsAtSentinel), world.progress == .acting, let from = trial.halts[stream] else {
            return false
        }
        return world.stage > from && world.position(stream) >= world.sentinel(stream)
    }

    // MARK: repair

    func repair(_ world: World) {
        let settled = (0...1).filter { world.isTouched($0) && world.awaited($0) == 0 }
        guard let side = row(world).repaired, !settled.isEmpty || world.repairing != .nothing else { return }
        let wrong = side == .old ? 0 : 1
        let right = 1 - wrong
        let applies = row(world).forward == .apply || row(world).reverse == .apply
        if !applies && trial.obeys(.repairLocks) { return repairLocking(world, wrong, right, settled) }
        var next = world
        switch world.repairing {
        case .nothing, .notedAbsence:
            guard !world.awaitsBeat else { return }
            next.repairing = .sawWrong
            next.noted = world.row(wrong)
            emit(next, "repair reads \(Self.name(wrong))'s row")
        case .sawWrong:
            next.repairing = .sawBoth
            next.seen = world.row(right)
            if world.row(right) == world.noted { forgetTouches(&next) }
            emit(
                next,
                "repair reads \(Self.name(right))'s row"
                    + (world.row(right) == world.noted ? ", which is the same" : ""))
        case .sawBoth where applies && !world.hasLooked:
            next.forgetReading()
            next.hasLooked = true
            next.awaitsBeat = true
            emit(next, "repair lets the applying stream come so far first")
        case .sawBoth:
            let isSame = world.row(wrong) == world.noted || !trial.obeys(.guardsVersion)
            if isSame && !isFree(world, wrong) { return }
            if isSame {
                next.setRow(wrong, world.seen)
                if !trial.obeys(.looksAgain) { forgetTouches(&next) }
            }
            next.forgetReading()
            next.hasLooked = false
            let what =
                isSame ? "makes \(Self.name(wrong))'s row what it read" : "finds another version, and begins again"
            emit(next, "repair " + what)
        }
    }

    /// What was touched while repair was reading is looked at once more.
    private func forgetTouches(_ world: inout World) {
        for stream in 0...1 where world.isTouched(stream) {
            if world.isTouchedAgain(stream) { world.keepSecondTouch(stream) } else { world.forgetTouch(stream) }
        }
        world.forgetReading()
        world.hasLooked = false
    }

    private func repairLocking(_ world: World, _ wrong: Int, _ right: Int, _ settled: [Int]) {
        var next = world
        if world.repairing == .notedAbsence {
            guard world.awaitedForAbsence == 0 else { return }
            next.forgetReading()
            if world.row(right).exists || world.row(wrong) != world.noted {
                return emit(next, "repair finds that the row has changed meanwhile, and begins again")
            }
            guard isFree(world, wrong) else { return }
            next.setRow(wrong, .absent)
            for stream in settled { next.forgetTouch(stream) }
            return emit(next, "repair deletes \(Self.name(wrong))'s row")
        }
        if world.row(right).exists {
            guard isFree(world, right), isFree(world, wrong) else { return }
            next.setRow(wrong, world.row(right))
            for stream in settled { next.forgetTouch(stream) }
            return emit(next, "repair locks both rows and makes \(Self.name(wrong))'s equal")
        }
        if !world.row(wrong).exists {
            for stream in settled { next.forgetTouch(stream) }
            return emit(next, "repair finds the row on neither side")
        }
        next.repairing = .notedAbsence
        next.noted = world.row(wrong)
        next.awaitedForAbsence = trial.obeys(.deletesWithCare) ? inFlight(world) : 0
        emit(next, "repair finds no such row on \(Self.name(right))")
    }

    // MARK: transitions

    func pass(_ world: World) {
        var next = world
        switch world.progress {
        case .notBegun: begin(world)
        case .gatesHeld where trial.isFenced: act(world, trial.stages[0], at: 0)
        case .acting: act(world, trial.stages[world.stage], at: world.stage)
        case .gatesHeld:
            if trial.to.reverse != .off && !world.hasReverse && trial.obeys(.reverseFirst) { return makeReverse(world) }
            commit(world)
        case .committed:
            next.progress = .done
            for side in 0...1 {
                next.setGateOver(side)
                next.setFenced(side, false)
            }
            emit(next, "tandem tells the other side, and lets go")
        case .done:
            if row(world).reverse != .off && !world.hasReverse { makeReverse(world) }
        }
    }

    private func begin(_ world: World) {
        let common = trial.common
        let isComplete = trial.programs.indices.allSatisfy { instance in
            trial.unseen.contains(instance) || common.isEmpty || common.contains(world.mode(instance))
        }
        guard isComplete || !trial.obeys(.asksCensus) else { return }
        var next = world
        next.progress = .gatesHeld
        for stream in 0...1 { next.setStart(stream, world.logged(stream)) }
        emit(next, "tandem begins step \(trial.to.step.rawValue): the gates hold")
    }

    /// One act of the product's plan.
    private func act(_ world: World, _ stage: Stage, at place: Int) {
        var next = world
        next.act(next: place + 1)
        switch stage {
        case .fence(1) where !trial.obeys(.fencesBoth): emit(next, "tandem leaves new without a fence")
        case .fence(let side):
            guard inFlight(world, on: side...side) == 0 else { return }
            next.setFenced(side, true)
            emit(next, "tandem fences \(Self.name(side))")
        case .mark(let streams, let halts):
            for stream in streams { next.setSentinel(stream, world.logged(stream)) }
            emit(
                next,
                "tandem writes marks on \(streams.map { Self.name($0) }.joined(separator: " and "))"
                    + (halts ? ", at which the streams halt" : ", which the streams pass"))
        case .drain(let streams):
            guard streams.allSatisfy({ hasPassed(world, $0) }) else { return }
            emit(
                next,
                "\(streams.map(Self.name(stream:)).joined(separator: " and ")) \(streams.count > 1 ? "are" : "is")"
                    + " taken to have come to that mark")
        case .position(let stream):
            next.setSentinel(stream, world.logged(stream))
            guard hasPassed(next, stream) else { return }
            if trial.obeys(.startsAtEnd) { next.setStart(stream, world.logged(stream)) }
            emit(next, "tandem notes where \(Self.name(stream: stream)) begins to apply")
        case .commit: commit(world)
        }
    }

    private func makeReverse(_ world: World) {
        var next = world
        next.hasReverse = true
        next.setPosition(1, world.logged(1))
        emit(next, "tandem makes the reverse stream")
    }

    private func hasPassed(_ world: World, _ stream: Int) -> Bool {
        let isThere = world.position(stream) >= world.sentinel(stream)
        return switch role(world, stream) {
        case .off: true
        case .apply: isThere || !trial.obeys(.drains)
        case .watch:
            (isThere && !world.isTouched(stream) && world.repairing == .nothing)
                || !trial.obeys(.settlesBelowSentinel)
        }
    }

    private func commit(_ world: World) {
        var next = world
        next.progress = .committed
        (next.awaitsBeat, next.hasLooked) = (false, false)
        next.isOver = true
        next.setGateOver(trial.from.truth == .old ? 0 : 1)
        if trial.obeys(.haltsAtSentinel) { for stream in 0...1 { hear(&next, stream) } }
        if trial.to.reverse == .off {
            next.hasReverse = false
            for stream in 0...1 { next.forgetTouch(stream) }
            next.forgetReading()
        }
        emit(next, "tandem commits step \(trial.to.step.rawValue)")
    }

    /// The fence goes, what was not committed is undone, what was touched is forgotten: the log is read again.
    func die(_ world: World) {
        guard world.crashes > 0 else { return }
        var next = world
        next.crashes -= 1
        for side in 0...1 { next.setFenced(side, false) }
        for stream in 0...1 where world.isTouched(stream) {
            if trial.obeys(.acknowledgesSettled) { next.setPosition(stream, world.touchedAt(stream)) }
            next.forgetTouch(stream)
        }
        if world.isOver {
            for stream in 0...1 where !world.hasHeard(stream) { hear(&next, stream) }
        } else if world.progress != .notBegun {
            next.progress = .notBegun
        }
        next.forgetReading()
        (next.awaitsBeat, next.hasLooked) = (false, false)
        emit(next, "tandem dies and starts again")
    }
}
