// A shop that only exists here: transactions and readings one after the other, right by construction, as ledgers and as the
// database that comes of them. Tests then doctor either.

import Ledger

struct SmallShop {
    let opening = Opening(books: 4, accounts: 3, pieces: 100, cents: 1000)
    var entries: [String: [LedgerEntry]] = ["web-1": [], "web-2": []]
    var state = FinalState(label: "old")
    private var clock: Int64 = 1000
    private var serial = 0
    private var bits: UInt64

    init(seed: UInt64) {
        bits = seed
        for key in opening.keys {
            state.add(key, FinalRow(version: 0, token: nil, amount: opening.amount(of: key) ?? 0))
        }
    }

    mutating func random(_ limit: Int) -> Int {
        bits = bits &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((bits >> 33) % UInt64(limit))
    }

    mutating func tick() -> Int64 {
        clock += 10
        return clock
    }

    /// So many things happen.
    mutating func open(_ count: Int) {
        for _ in 0..<count {
            let instance = random(2) == 0 ? "web-1" : "web-2"
            switch random(10) {
            case 0..<4: change(instance)
            case 4: order(instance)
            case 5: fail(instance)
            case 6: vanish(instance, isThere: random(2) == 0)
            default: read(instance)
            }
        }
    }

    mutating func acknowledge(_ instance: String, _ token: String) {
        let at = tick()
        entries[instance]?.append(.acknowledged(token: token, at: at))
    }

    mutating func begin() -> (token: String, began: Int64) {
        serial += 1
        return ("t\(serial)", tick())
    }

    /// Adds to one row what counts there.
    @discardableResult
    mutating func change(_ instance: String, _ key: String? = nil, mode: Int = 4, isAcknowledged: Bool = true) -> String
    {
        let (token, began) = begin()
        let keys = opening.keys
        let key = key ?? keys[random(keys.count)]
        let effect = applied(key, by: key.hasPrefix("book") ? 0 : 1, token)
        entries[instance]?.append(
            .intent(Intent(token: token, operation: "restock", mode: mode, began: began, effects: [effect])))
        if isAcknowledged { acknowledge(instance, token) }
        return token
    }

    private mutating func applied(_ key: String, by delta: Int, _ token: String) -> Effect {
        let row = state.rows[key]!
        state.rows[key] = FinalRow(version: row.version + 1, token: token, amount: row.amount + delta)
        state.journal[token] = 1
        return Effect(.set, key, version: row.version + 1, delta: delta, after: row.amount + delta)
    }

    /// A row is made; every other time it is removed again.
    mutating func order(_ instance: String) {
        let (token, began) = begin()
        let key = "order:\(serial)"
        state.rows[key] = FinalRow(version: 1, token: token, amount: 7)
        state.journal[token] = 1
        entries[instance]?.append(
            .intent(
                Intent(
                    token: token, operation: "order", mode: 4, began: began,
                    effects: [Effect(.made, key, version: 1, delta: 7, after: 7)])))
        acknowledge(instance, token)
        if random(2) == 0 { remove(instance, key) }
    }

    mutating func remove(_ instance: String, _ key: String) {
        let (token, began) = begin()
        let version = state.rows.removeValue(forKey: key)!.version
        state.journal[token] = 1
        entries[instance]?.append(
            .intent(
                Intent(
                    token: token, operation: "cancel", mode: 4, began: began,
                    effects: [Effect(.removed, key, version: version + 1)])))
        acknowledge(instance, token)
    }

    mutating func fail(_ instance: String) {
        let (token, _) = begin()
        let at = tick()
        entries[instance]?.append(.failed(token: token, state: "40001", at: at))
    }

    /// COMMIT is not answered.
    mutating func vanish(_ instance: String, isThere: Bool) {
        if isThere {
            let token = change(instance, isAcknowledged: false)
            let at = tick()
            if random(2) == 0 { entries[instance]?.append(.doubtful(token: token, state: "57P01", at: at)) }
            return
        }
        let (token, began) = begin()
        let effect = Effect(.set, "stock:1", version: state.rows["stock:1"]!.version + 1, delta: 1, after: -5)
        entries[instance]?.append(
            .intent(Intent(token: token, operation: "restock", mode: 4, began: began, effects: [effect])))
    }

    mutating func read(_ instance: String, mode: Int = 4, isNew: Bool = false, _ keys: [String]? = nil) {
        let began = tick()
        let keys = keys ?? [opening.keys[random(opening.keys.count)], "counter:orders"]
        let sights = keys.map { key in
            Sight(key, version: state.rows[key]?.version, token: state.rows[key]?.token)
        }
        let ended = tick()
        entries[instance]?.append(
            .read(Reading(mode: mode, isNew: isNew, began: began, ended: ended, sights: sights)))
    }

    var verdict: LedgerVerdict { check.verdict(against: state) }

    var check: HistoryCheck {
        var history = History()
        for (instance, entries) in entries.sorted(by: { $0.key < $1.key }) { history.add(entries, of: instance) }
        return HistoryCheck(history, opening: opening)
    }

    var kinds: Set<Finding.Kind> { Set(verdict.findings.map(\.kind)) }
}
