// No instance reads an older value of a row than it has seen or written before: on old while it reads old, on whatever side in
// modes 5 and 6, and where one address at a time is used. What began before the other had ended is not compared. A value that a reader of new saw, and that went when
// old's COMMIT failed, is counted and forgotten: the protocol says so of mode 5.

extension HistoryCheck {
    private struct Moment {
        let at: Int64
        let key: String
        let version: Int
        let isOld: Bool
        let isNew: Bool
    }

    /// The newest version of each row seen so far.
    private struct Floor {
        var onOld = -1
        var anywhere = -1
    }

    func checkReadings(_ state: FinalState?, _ verdict: inout LedgerVerdict) {
        let removals = removals(state)
        let readings = Dictionary(grouping: history.readings, by: \.instance).mapValues { $0.map(\.reading) }
        let writes = writes(state)
        for (instance, own) in readings.sorted(by: { $0.key < $1.key }) {
            let known = own.sorted { $0.began < $1.began }
            var moments = writes[instance] ?? []
            for reading in known {
                for sight in reading.sights {
                    guard isSound(sight, instance, state, &verdict), let version = sight.version else { continue }
                    moments.append(
                        Moment(
                            at: reading.ended, key: sight.key, version: version, isOld: !reading.isNew,
                            isNew: reading.isNew))
                }
            }
            moments.sort { $0.at < $1.at }
            sweep(instance, known, moments, removals, &verdict)
        }
    }

    private func sweep(
        _ instance: String, _ readings: [Reading], _ moments: [Moment], _ removals: [String: Int64],
        _ verdict: inout LedgerVerdict
    ) {
        var floors: [String: Floor] = [:]
        var next = 0
        for reading in readings {
            while next < moments.count, moments[next].at < reading.began {
                let moment = moments[next]
                next += 1
                var floor = floors[moment.key] ?? Floor()
                if moment.isOld { floor.onOld = max(floor.onOld, moment.version) }
                floor.anywhere = max(floor.anywhere, moment.version)
                floors[moment.key] = floor
            }
            for sight in reading.sights {
                guard let floor = floors[sight.key] else { continue }
                // 0 is one address at a time: whoever moves it has brought everything along.
                let isStrict = reading.mode >= 5 || reading.mode == 0
                let least = isStrict ? floor.anywhere : floor.onOld
                compare(sight, reading, least, instance, removals, &verdict)
            }
        }
    }

    private func compare(
        _ sight: Sight, _ reading: Reading, _ least: Int, _ instance: String, _ removals: [String: Int64],
        _ verdict: inout LedgerVerdict
    ) {
        let place = "\(instance), mode \(reading.mode), on \(reading.isNew ? "new" : "old")"
        guard let version = sight.version else {
            if least >= 0, removals[sight.key].map({ $0 > reading.ended }) ?? true {
                verdict.add(.stale, sight.key, "\(place): \(sight.key) was not there after version \(least) of it")
            }
            return
        }
        if version < least {
            verdict.add(
                .stale, sight.key, "\(place): read version \(version) of \(sight.key) after version \(least) of it")
        }
    }

    /// When removals of rows began that took place, or may have.
    private func removals(_ state: FinalState?) -> [String: Int64] {
        var removals: [String: Int64] = [:]
        for (token, transaction) in history.transactions where happened(token, state) != false {
            guard let intent = transaction.intent else { continue }
            for effect in intent.effects where effect.kind == .removed { removals[effect.key] = intent.began }
        }
        return removals
    }

    /// Acknowledged writes, which their own instance must see from then on.
    private func writes(_ state: FinalState?) -> [String: [Moment]] {
        var writes: [String: [Moment]] = [:]
        for transaction in history.transactions.values where transaction.outcome == .acknowledged {
            guard let intent = transaction.intent else { continue }
            for effect in intent.effects where effect.kind != .removed {
                writes[transaction.instance, default: []].append(
                    Moment(
                        at: transaction.ended, key: effect.key, version: effect.version, isOld: intent.mode != 6,
                        isNew: intent.mode >= 4))
            }
        }
        return writes
    }

    /// Whether what was seen was written by who it says. What was not is told here, and is no measure for others.
    private func isSound(
        _ sight: Sight, _ instance: String, _ state: FinalState?, _ verdict: inout LedgerVerdict
    ) -> Bool {
        guard let version = sight.version else { return true }
        guard let token = sight.token else {
            if version == 0, opening.amount(of: sight.key) != nil { return true }
            verdict.add(
                .unexplained, sight.key, "\(instance): read version \(version) of \(sight.key), written by nobody")
            return false
        }
        guard let writer = history.transactions[token] else {
            verdict.add(
                .unexplained, sight.key,
                "\(instance): read \(sight.key) as written by \(token), of which no ledger tells")
            return false
        }
        if happened(token, state) == false {
            if writer.outcome == .unknown {
                verdict.takenBack += 1
            } else {
                verdict.add(.undead, sight.key, "\(instance): read \(sight.key) as written by \(token), which failed")
            }
            return false
        }
        let isIts = writer.intent?.effects.contains { $0.key == sight.key && $0.version == version } ?? true
        if !isIts {
            verdict.add(
                .unexplained, sight.key,
                "\(instance): read version \(version) of \(sight.key), which \(token) did not write")
        }
        return isIts
    }
}
