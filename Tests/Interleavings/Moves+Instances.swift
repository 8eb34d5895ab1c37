// What an instance of the application may do next: old first, new nested in it, commit new, commit old; and what may go wrong.

internal import Model
internal import Protocol

extension Moves {
    private func who(_ world: World, _ instance: Int) -> String {
        "\(instance == 0 ? "A" : "B") (\(world.mode(instance)))"
    }

    private func bit(_ world: World, _ instance: Int) -> UInt8 {
        1 << UInt8(1 + instance * 3 + world.operation(instance))
    }

    func act(_ world: World, _ instance: Int) {
        guard let operation = operation(world, instance) else { return }
        let mode = world.mode(instance)
        switch world.place(instance) {
        case .idle:
            change(mode: world, instance)
            begin(world, instance, operation, mode)
        case .lockedOld where mode == .oldOnly, .lockedBoth: writeOld(world, instance, operation)
        case .lockedOld: lockNew(world, instance, mode)
        case .lockedNew: writeNew(world, instance, operation)
        case .wroteOld where mode == .oldOnly, .swallowed: commitOld(world, instance, operation)
        case .wroteOld: writeNew(world, instance, operation)
        case .wroteBoth, .wroteNew: commitNew(world, instance, operation)
        case .newCommitted: commitOld(world, instance, operation)
        case .halfLeft: endHalf(world, instance, operation)
        case .oldCommitted: writeLate(world, instance, operation)
        }
    }

    /// People deploy: between two transactions, whatever is permitted.
    private func change(mode world: World, _ instance: Int) {
        guard !trial.unseen.contains(instance) else { return }
        let allowed: Set<Mode> =
            switch world.progress {
            case .notBegun: trial.from.modes
            case .done: trial.to.modes
            case .gatesHeld, .acting, .committed: trial.common
            }
        for mode in Mode.allCases where mode != world.mode(instance) && allowed.contains(mode) {
            var next = world
            next.setMode(instance, mode)
            emit(next, "\(who(world, instance)) is deployed in \(mode)")
        }
    }

    private func begin(_ world: World, _ instance: Int, _ operation: Operation, _ mode: Mode) {
        let side = mode.reads == .old ? 0 : 1
        if operation == .read {
            return finish(
                world, instance, "reads \(Self.name(side))",
                fault: misses(world, instance, on: side) ? "an instance does not see its own acknowledged write" : nil)
        }
        guard operation == .change else {
            return mode == .newOnly ? writeNew(world, instance, operation) : writeOld(world, instance, operation)
        }
        let first = mode == .newOnly ? 1 : 0
        guard world.row(first).exists else { return finish(world, instance, "finds no row") }
        guard isFree(world, first) else { return }
        var next = world
        next.setPlace(instance, first == 0 ? .lockedOld : .lockedNew)
        next.setIntended(instance, world.row(first).adding(bit(world, instance)))
        emit(next, "\(who(world, instance)) reads \(Self.name(first))'s row and locks it")
    }

    /// What it has written, and nobody has overwritten or deleted since. Between the two commits of another one, and where old
    /// refused what new had committed, a reader of new may be ahead: only two-phase commit would hide that.
    private func misses(_ world: World, _ instance: Int, on side: Int) -> Bool {
        let isAhead = trial.programs.indices.contains { world.place($0) == .newCommitted } || world.takenBack != 0
        guard world.promised.exists, side == truth(world) || !isAhead else { return false }
        return !world.row(side).holds(world.own(instance) & world.promised.raw)
    }

    private func lockNew(_ world: World, _ instance: Int, _ mode: Mode) {
        guard isFree(world, 1) else { return }
        var next = world
        next.setPlace(instance, .lockedBoth)
        guard world.row(1).exists else {
            if mode == .bestEffort || (mode == .strict && !trial.obeys(.countsAgree)) {
                return emit(next, "\(who(world, instance)) finds no such row on new, and goes on")
            }
            return finish(world, instance, "finds no such row on new, and gives up")
        }
        if mode.reads == .new { next.setIntended(instance, world.row(1).adding(bit(world, instance))) }
        emit(next, "\(who(world, instance)) locks new's row\(mode.reads == .new ? ", which it reads" : "")")
    }

    // MARK: writing

    private func isRefused(_ world: World, _ instance: Int, _ side: Int) -> Bool {
        let row = world.gateIsOver(side) ? trial.to : trial.from
        return trial.obeys(.refusesModes) && !row.modes.contains(world.mode(instance))
    }

    private func value(_ world: World, _ instance: Int, _ operation: Operation) -> Row {
        switch operation {
        case .change: world.intended(instance)
        case .write, .insert: Row(writtenBy: bit(world, instance))
        case .delete, .read: .absent
        }
    }

    private func writeOld(_ world: World, _ instance: Int, _ operation: Operation) {
        guard !world.isFenced(0) else { return }
        if isRefused(world, instance, 0) { return finish(world, instance, "is refused by old's trigger") }
        guard isFree(world, 0, but: instance) else { return }
        guard world.row(0).exists == (operation != .insert) else {
            return finish(world, instance, operation == .insert ? "finds the key taken on old" : "finds no row")
        }
        var next = world
        next.setPlace(instance, .wroteOld)
        next.setIntended(instance, value(world, instance, operation))
        emit(next, "\(who(world, instance)) \(Self.verb(operation)) old's row")
    }

    private static func verb(_ operation: Operation) -> String {
        switch operation {
        case .write: "overwrites"
        case .change: "changes"
        case .insert: "inserts"
        case .delete: "deletes"
        case .read: "reads"
        }
    }

    private func writeNew(_ world: World, _ instance: Int, _ operation: Operation) {
        let mode = world.mode(instance)
        if mode != .newOnly {
            if trial.obeys(.nested) {
                fail(world, instance, "fails on new")
            } else {
                return commitOld(world, instance, operation)
            }
        }
        guard !world.isFenced(1) else { return }
        if isRefused(world, instance, 1) { return passOver(world, instance, "is refused by new's trigger") }
        guard isFree(world, 1, but: instance) else { return }
        guard world.row(1).exists == (operation != .insert) else {
            let what = operation == .insert ? "finds the key taken on new" : "finds no such row on new"
            if mode == .newOnly { return finish(world, instance, what) }
            if operation != .insert && !trial.obeys(.countsAgree) { return swallow(world, instance, what) }
            return passOver(world, instance, what)
        }
        var next = world
        next.setPlace(instance, mode == .newOnly ? .wroteNew : .wroteBoth)
        next.setIntended(instance, value(world, instance, operation))
        emit(next, "\(who(world, instance)) \(Self.verb(operation)) new's row")
    }

    /// An error on new: the user's, or nobody's.
    private func passOver(_ world: World, _ instance: Int, _ what: String) {
        if world.mode(instance).swallowsErrors(on: .new) { return swallow(world, instance, what) }
        finish(world, instance, what + ", and rolls back")
    }

    private func swallow(_ world: World, _ instance: Int, _ what: String) {
        var next = world
        next.setPlace(instance, .swallowed)
        emit(next, "\(who(world, instance)) \(what), and goes on")
    }

    /// One of the failures that a trial has to spend.
    private func fail(_ world: World, _ instance: Int, _ what: String) {
        guard world.failures > 0 else { return }
        var next = world
        next.failures -= 1
        passOver(next, instance, what)
    }

    // MARK: committing

    /// What users are promised by this commit.
    private func promise(_ world: inout World, _ instance: Int, _ operation: Operation, on side: Int) {
        guard truth(world) == side else { return }
        world.setReached(instance, true)
        switch operation {
        // What it read on new was a write that old refused afterwards. Only two-phase commit would have hidden that from it:
        // it has built upon it, so that write took place after all.
        case .change where world.mode(instance) == .strictReadingNew && isTakenBack(world, instance):
            world.promised = world.intended(instance)
        case .change:
            if world.promised.exists { world.promised = world.promised.adding(bit(world, instance)) }
        case .write: world.promised = Row(writtenBy: bit(world, instance))
        case .insert: world.promised = Row(writtenBy: bit(world, instance))
        case .delete: world.promised = .absent
        case .read: break
        }
    }

    private func isTakenBack(_ world: World, _ instance: Int) -> Bool {
        world.intended(instance).raw & world.takenBack & ~world.promised.raw != 0
    }

    private func written(_ world: World, _ instance: Int, _ operation: Operation, on side: Int) -> World {
        var next = world
        next.setRow(side, world.intended(instance))
        next.append(side, world.intended(instance))
        promise(&next, instance, operation, on: side)
        return next
    }

    private func commitNew(_ world: World, _ instance: Int, _ operation: Operation) {
        let next = written(world, instance, operation, on: 1)
        if world.place(instance) == .wroteNew {
            if world.failures > 0 {
                var failed = world
                failed.failures -= 1
                finish(failed, instance, "rolls back")
            }
            return finish(next, instance, "commits new", acknowledged: operation)
        }
        var committed = next
        committed.setPlace(instance, .newCommitted)
        emit(committed, "\(who(world, instance)) commits new")
        guard world.failures > 0 else { return }
        var failed = world
        failed.failures -= 1
        passOver(failed, instance, "fails to commit new")
        failed.setPlace(instance, .halfLeft)
        emit(failed, "\(who(world, instance)) loses its session on old; what it wrote on new is still open")
    }

    private func commitOld(_ world: World, _ instance: Int, _ operation: Operation) {
        let next = written(world, instance, operation, on: 0)
        if world.failures > 0 {
            var failed = world
            failed.failures -= 1
            if world.place(instance) == .newCommitted && truth(world) == 0 {
                failed.takenBack |= bit(world, instance)
            }
            finish(
                failed, instance,
                world.place(instance) == .newCommitted
                    ? "fails to commit old, after new was committed" : "rolls back")
        }
        guard world.place(instance) == .wroteOld && world.mode(instance) != .oldOnly else {
            return finish(next, instance, "commits old", acknowledged: operation)
        }
        var late = next
        late.setPlace(instance, .oldCommitted)
        late.noLongerAwait(instance)
        emit(late, "\(who(world, instance)) commits old, before it writes new")
    }

    private func endHalf(_ world: World, _ instance: Int, _ operation: Operation) {
        var next = written(world, instance, operation, on: 1)
        if truth(world) == 0 { next.takenBack |= bit(world, instance) }
        finish(next, instance, "commits what was left open on new")
        finish(world, instance, "rolls back what was left open on new")
    }

    /// The wrong order: new is written by a transaction of its own.
    private func writeLate(_ world: World, _ instance: Int, _ operation: Operation) {
        guard !world.isFenced(1), isFree(world, 1) else { return }
        guard !isRefused(world, instance, 1), world.row(1).exists == (operation != .insert) else {
            return finish(world, instance, "cannot write new any more", acknowledged: operation)
        }
        finish(written(world, instance, operation, on: 1), instance, "writes new at last", acknowledged: operation)
    }

    /// The transaction ends, one way or another.
    private func finish(
        _ world: World, _ instance: Int, _ what: String, acknowledged: Operation? = nil, fault: String? = nil
    ) {
        var next = world
        next.setPlace(instance, .idle)
        next.setIntended(instance, .absent)
        next.setReached(instance, false)
        next.noLongerAwait(instance)
        var found = fault
        if let acknowledged {
            if !world.hasReached(instance) { found = "a write was acknowledged that never reached the side in charge" }
            if acknowledged != .delete { next.addOwn(bit(world, instance)) }
        }
        next.setOperation(instance, world.operation(instance) + 1)
        emit(
            next, "\(who(world, instance)) \(what)" + (acknowledged == nil ? "" : "; it is acknowledged"), fault: found)
    }
}
