// Row by row: the versions that transactions gave it, one after the other, up to what is there.

extension HistoryCheck {
    private struct Step {
        let token: String
        let effect: Effect
        let began: Int64
        let ended: Int64
        let isCertain: Bool
    }

    /// What a row should be after its steps.
    private struct Expected {
        var version = 0
        var token: String?
        var amount: Int?
        var isThere: Bool

        init(_ amount: Int?) { (self.amount, isThere) = (amount ?? 0, amount != nil) }
    }

    func checkRows(_ state: FinalState?, _ verdict: inout LedgerVerdict) {
        let steps = steps(state)
        let keys = Set(steps.keys).union(opening.keys).union(state.map { Set($0.rows.keys) } ?? [])
        for key in keys.sorted() {
            let chain = (steps[key] ?? []).sorted { $0.effect.version < $1.effect.version }
            checkOrder(key, chain, &verdict)
            let expected = follow(key, chain, isWhole: state != nil, &verdict)
            if let state { compare(key, expected, state.rows[key], &verdict) }
        }
    }

    private func steps(_ state: FinalState?) -> [String: [Step]] {
        var steps: [String: [Step]] = [:]
        for (token, transaction) in history.transactions {
            guard let intent = transaction.intent else { continue }
            let happened = happened(token, state)
            // Not known, and nothing to find out by: it may explain a gap, and cannot cause a fork.
            guard happened == true else { continue }
            for effect in intent.effects {
                steps[effect.key, default: []].append(
                    Step(
                        token: token, effect: effect, began: intent.began, ended: transaction.ended,
                        isCertain: transaction.outcome == .acknowledged))
            }
        }
        return steps
    }

    /// One that ended before another began must have the lower version.
    private func checkOrder(_ key: String, _ chain: [Step], _ verdict: inout LedgerVerdict) {
        var latest: Step?
        for step in chain {
            if let latest, step.isCertain, step.ended < latest.began {
                verdict.add(
                    .reordered, key,
                    "\(key): \(latest.token) wrote version \(latest.effect.version) and began after \(step.token), with"
                        + " version \(step.effect.version), had been acknowledged")
            }
            if step.began > latest?.began ?? .min { latest = step }
        }
    }

    private func follow(
        _ key: String, _ chain: [Step], isWhole: Bool, _ verdict: inout LedgerVerdict
    ) -> Expected {
        var expected = Expected(opening.amount(of: key))
        for step in chain {
            let effect = step.effect
            if effect.version <= expected.version {
                verdict.add(
                    .lost, key,
                    "\(key): version \(effect.version) was written by both \(expected.token ?? "the opening") and"
                        + " \(step.token); one of them is lost")
            } else if effect.version > expected.version + 1 {
                // Those in between may be of transactions of which nobody knows what came.
                if isWhole {
                    verdict.add(
                        .unexplained, key,
                        "\(key): version\(Self.range(expected.version + 1, effect.version - 1)) written by nobody")
                }
                expected.amount = nil
            }
            // What is removed is not counted any more.
            if let amount = expected.amount, effect.kind != .removed, effect.version == expected.version + 1,
                amount + effect.delta != effect.after
            {
                verdict.add(
                    .amount, key,
                    "\(key): \(step.token) made \(effect.after) of \(amount) by \(Self.signed(effect.delta))")
            }
            if effect.after < 0 { verdict.add(.amount, key, "\(key): \(step.token) left \(effect.after)") }
            expected.version = max(expected.version, effect.version)
            (expected.token, expected.amount) = (step.token, effect.after)
            expected.isThere = effect.kind != .removed
        }
        return expected
    }

    private func compare(_ key: String, _ expected: Expected, _ row: FinalRow?, _ verdict: inout LedgerVerdict) {
        let writer = expected.token ?? "the opening"
        guard let row else {
            if expected.isThere { verdict.add(.lost, key, "\(key), last written by \(writer), is not there") }
            return
        }
        guard expected.isThere else {
            verdict.add(
                expected.token == nil ? .unexplained : .undead, key,
                expected.token == nil
                    ? "\(key), by \(row.token ?? "nobody"), is in no ledger"
                    : "\(key) was removed by \(writer), and is there again")
            return
        }
        if row.version < expected.version {
            verdict.add(
                .lost, key, "\(key) is at version \(row.version); \(writer) wrote version \(expected.version)")
        } else if row.version > expected.version {
            verdict.add(
                .doubled, key,
                "\(key) is at version \(row.version); the last that anybody wrote is \(expected.version), by \(writer)")
        } else if row.token != expected.token {
            verdict.add(
                .lost, key, "\(key) has version \(row.version) of \(row.token ?? "the opening") instead of \(writer)")
        }
        if row.version == expected.version, let amount = expected.amount, row.amount != amount {
            let isMore = key.hasPrefix("import:") || key.hasPrefix("visit:")
            verdict.add(
                isMore && row.amount > amount ? .doubled : .amount, key,
                "\(key) has \(row.amount); by the ledgers it is \(amount)")
        }
    }

    private static func range(_ first: Int, _ last: Int) -> String {
        first == last ? " \(first) was" : "s \(first) to \(last) were"
    }

    private static func signed(_ number: Int) -> String { number < 0 ? "\(number)" : "+\(number)" }
}
