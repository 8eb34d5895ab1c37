// Judges a history, alone or against a database at rest. What is acknowledged must be there once; what failed must not be;
// what is unknown may be either, and the journal says which. Then every row's versions must follow one another without a gap
// or a fork up to the one that is there, sums must come out, and no instance may have read backwards. Pure.

package struct HistoryCheck {
    let opening: Opening
    let history: History

    package init(_ history: History, opening: Opening) { (self.history, self.opening) = (history, opening) }

    /// Without a state only what the ledgers themselves show is judged.
    package func verdict(against state: FinalState? = nil) -> LedgerVerdict {
        var verdict = LedgerVerdict(label: state?.label ?? "ledgers")
        count(&verdict, state)
        checkOutcomes(&verdict)
        if let state { checkJournal(state, &verdict) }
        checkRows(state, &verdict)
        checkReadings(state, &verdict)
        if let state {
            for damage in state.damages { verdict.add(.damaged, damage.subject, damage.text) }
            for key in state.repeated { verdict.add(.doubled, key, "\(key) is there more than once") }
        }
        return verdict
    }

    /// Whether a transaction took place; nil when nobody can say.
    func happened(_ token: String, _ state: FinalState?) -> Bool? {
        guard let transaction = history.transactions[token] else { return nil }
        switch transaction.outcome {
        case .acknowledged: return true
        case .failed: return false
        case .unknown: return state.map { $0.journal[token] != nil }
        }
    }

    private func count(_ verdict: inout LedgerVerdict, _ state: FinalState?) {
        for (token, transaction) in history.transactions {
            switch transaction.outcome {
            case .acknowledged: verdict.acknowledged += 1
            case .failed: verdict.failed += 1
            case .unknown:
                verdict.doubtful += 1
                if happened(token, state) == true { verdict.doubtfulThere += 1 }
            }
        }
        verdict.readings = history.readings.count
        verdict.sights = history.readings.reduce(0) { $0 + $1.reading.sights.count }
        verdict.rows = state?.rows.count ?? 0
    }

    private func checkOutcomes(_ verdict: inout LedgerVerdict) {
        for token in history.repeated.sorted() {
            verdict.add(.doubled, token, "\(token) was intended twice")
        }
        for token in history.unintended.sorted() {
            verdict.add(.unexplained, token, "\(token) was acknowledged and never intended")
        }
        for (token, transaction) in history.transactions.sorted(by: { $0.key < $1.key }) {
            if transaction.timesAcknowledged > 1 {
                verdict.add(.doubled, token, "\(token) was acknowledged \(transaction.timesAcknowledged) times")
            }
            if transaction.timesAcknowledged > 0 && transaction.timesFailed > 0 {
                verdict.add(.doubled, token, "\(token) was acknowledged and failed, too")
            }
        }
    }

    private func checkJournal(_ state: FinalState, _ verdict: inout LedgerVerdict) {
        for (token, transaction) in history.transactions.sorted(by: { $0.key < $1.key }) {
            let times = state.journal[token] ?? 0
            switch transaction.outcome {
            case .acknowledged where times == 0:
                let operation = transaction.intent?.operation ?? "transaction"
                verdict.add(.lost, token, "\(token), an acknowledged \(operation), is not in the journal")
            case .failed where times > 0:
                verdict.add(.undead, token, "\(token) was rolled back, and is in the journal")
            case .acknowledged, .failed, .unknown: break
            }
            if times > 1 { verdict.add(.doubled, token, "\(token) is in the journal \(times) times") }
        }
        for token in state.journal.keys.sorted() where history.transactions[token] == nil {
            verdict.add(.unexplained, token, "\(token) is in the journal, and in no ledger")
        }
    }
}
