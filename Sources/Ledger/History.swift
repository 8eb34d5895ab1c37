// The ledgers of all instances put together: every transaction with its outcome, every reading. Pure.

package struct History: Sendable {
    package enum Outcome: Sendable, Equatable { case acknowledged, failed, unknown }

    struct Transaction: Sendable {
        let instance: String
        let intent: Intent?
        var outcome: Outcome = .unknown
        /// When the outcome was written down; for ever later when it is not known.
        var ended = Int64.max
        var timesAcknowledged = 0
        var timesFailed = 0
    }

    private(set) var transactions: [String: Transaction] = [:]
    private(set) var readings: [(instance: String, reading: Reading)] = []
    /// Intents whose token had been used before.
    private(set) var repeated: [String] = []
    /// Outcomes of what nobody had intended.
    private(set) var unintended: [String] = []

    package init() {}

    package mutating func add(_ entries: some Sequence<LedgerEntry>, of instance: String) {
        for entry in entries {
            switch entry {
            case .started, .mode: break
            case .intent(let intent):
                if transactions[intent.token] != nil { repeated.append(intent.token) }
                transactions[intent.token] = Transaction(instance: instance, intent: intent)
            case .acknowledged(let token, let at):
                if transactions[token] == nil { unintended.append(token) }
                end(token, instance, .acknowledged, at)
            case .failed(let token, _, let at): end(token, instance, .failed, at)
            case .doubtful(let token, _, _):
                if transactions[token] == nil { transactions[token] = Transaction(instance: instance, intent: nil) }
            case .read(let reading): readings.append((instance, reading))
            }
        }
    }

    /// What is acknowledged stays so, whatever is written later.
    private mutating func end(_ token: String, _ instance: String, _ outcome: Outcome, _ at: Int64) {
        var transaction = transactions[token] ?? Transaction(instance: instance, intent: nil)
        if outcome == .acknowledged { transaction.timesAcknowledged += 1 } else { transaction.timesFailed += 1 }
        if transaction.outcome != .acknowledged { (transaction.outcome, transaction.ended) = (outcome, at) }
        transactions[token] = transaction
    }
}
