// Reads again what did not agree, until each row is known to be the same or proven to differ, or patience ends.

internal import Model
internal import Postgres
internal import State
internal import Threading

extension TableComparison {
    func settle() throws {
        guard !suspects.isEmpty else { return }
        // A few at a time: what one reading takes is what a row must stand still for.
        let size = table.isKeyless ? settings.most : 500
        while !suspects.isEmpty {
            let some = Array(suspects.prefix(size))
            suspects.removeFirst(some.count)
            var settlement = Settlement(some)
            try settle(&settlement)
            // Nobody brings the rest to new either.
            if reads.stream?.stands == true {
                report.unsettled += suspects
                suspects = []
            }
            report.settled += settlement.equal
            report.differences += settlement.differences.map {
                RowDifference(key: table.isKeyless ? [] : $0.key, old: $0.old, new: $0.new)
            }
            report.unsettled += settlement.open
        }
        report.differences.sort { TableReport.precedes($0.key, $1.key) }
        report.unsettled.sort(by: TableReport.precedes)
    }

    private func settle(_ settlement: inout Settlement) throws {
        let end = Monotonic.now.adding(seconds: settings.patience)
        let reads = reads
        var round = 0
        while !settlement.open.isEmpty, Monotonic.now < end {
            try lookUnderLocks(&settlement)
            let keys = settlement.open
            guard !keys.isEmpty else { return }
            let old = try desks.old.ask { try reads.old(keys, $0) }
            do { try pass(old.position, by: end) } catch let error as VerificationError {
                report.reason = error.description
                return
            }
            let new = try desks.new.ask { try reads.new(keys, $0) }
            if reads.isStill {
                settlement.note(still: old.rows, new: new)
                return
            }
            settlement.note(old.snapshot, old: old.rows, new: new)
            round += 1
            // Rows that never stand still: not quite so often.
            if round > 5, stop.wait(seconds: min(1, 0.02 * Double(round))) {
                throw PostgresError(.interrupted, "stopped on request", doing: "comparing \(table.old)")
            }
        }
        if !settlement.open.isEmpty {
            report.reason = "rows changed, or transactions on old stayed open, for all of \(Int(settings.patience)) s"
        }
    }

    /// Waits until new holds what old had there.
    private func pass(_ position: LSN, by end: Monotonic) throws {
        guard let stream = reads.stream else { return }
        if !settings.readsOnly {
            // On an idle server the stream moves with the next beat, which nobody need wait for.
            _ = try? desks.old.ask { try SourceSide($0, stream.name).beat() }
        }
        let stop = stop
        try desks.new.ask { connection in
            let side = TargetSide(connection, stream.name)
            var pause = 0.005
            var wait = stream.wait()
            while true {
                guard let applied = try side.progress(durable: false) else { throw VerificationError.noProgress }
                if applied >= position { return stream.hasMoved() }
                guard try wait.goesOn(at: applied, isDriven: { try side.runnerPID() != nil }), Monotonic.now < end
                else {
                    throw VerificationError.streamStands(applied: applied, wanted: position)
                }
                if stop.wait(seconds: pause) {
                    throw PostgresError(.interrupted, "stopped on request", doing: "waiting for the stream")
                }
                pause = min(0.1, pause * 1.5)
            }
        }
    }
}
