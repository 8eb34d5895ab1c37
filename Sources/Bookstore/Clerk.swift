// One thread of an instance: serves one customer after the other, each with one operation, and tries again what may be tried
// again. It has its own connections, its own chance, and remembers orders, reviews and documents of its own.

internal import Ledger
internal import Model
internal import Postgres
internal import Threading

final class Clerk {
    struct OwnOrder {
        let id: Int
        let account: Int
        let total: Int
        let lines: [(book: Int, pieces: Int)]
        var version: Int
        var stage = 0
    }
    struct OwnRow {
        let key: String
        var version: Int
    }

    let plan: InstancePlan
    let opening: Opening
    let number: Int
    private let control: InstanceControl
    private let ledger: LedgerFile
    private let meter: Meter
    let old: SideConnection
    let new: SideConnection
    var chance: Chance
    var orders: [OwnOrder] = []
    var reviews: [OwnRow] = []
    var documents: [OwnRow] = []
    /// What it does not remember for ever.
    static let remembered = 200
    private let run: String
    private var serial = 0
    /// Never raised: for pauses that nothing cuts short.
    private let rest = StopSignal()
    private static let closingPatience = 4.0

    init(
        _ number: Int, _ plan: InstancePlan, _ opening: Opening, run: String, control: InstanceControl,
        ledger: LedgerFile, meter: Meter, hardStop: StopSignal
    ) {
        (self.number, self.plan, self.opening, self.run) = (number, plan, opening, run)
        (self.control, self.ledger, self.meter) = (control, ledger, meter)
        chance = Chance(seed: plan.seed &* 1000 &+ UInt64(number) &+ UInt64(truncatingIfNeeded: plan.name.hashed))
        old = SideConnection(.old, conninfo: plan.old, name: plan.name, stop: hardStop)
        new = SideConnection(.new, conninfo: plan.new ?? plan.old, name: plan.name, stop: hardStop)
    }

    /// Until asked to end, or until the ledger cannot be written any more.
    func work(mix: Mix, pace: Pace, closing: StopSignal) throws(BookstoreError) {
        while !closing.isRaised {
            guard pace.wait(closing) else { return }
            let operation = mix.next(&chance)
            meter.begin(number)
            let served = try serve(operation, closing)
            meter.end(number, operation, served)
            if plan.think > 0 { closing.wait(seconds: plan.think) }
        }
    }

    // MARK: one customer

    private func serve(_ operation: Operation, _ closing: StopSignal) throws(BookstoreError) -> Served {
        let began = Monotonic.now
        var retries: [String] = []
        var pause = 0.005
        while true {
            let mode = control.enter()
            let attempt = try operation.reads ? look(mode) : attempt(operation, mode)
            control.leave(mode)
            var served = Served(outcome: .done, retries: retries, swallowed: attempt.swallowed)
            guard let failure = attempt.failure else { return served }
            if case .declined = failure {
                served.outcome = .declined
                return served
            }
            let remedy = failure.remedy(mode, plan.strategy)
            // Whoever is being served when the shop closes is still served.
            let isOver = began.age > (closing.isRaised ? min(plan.patience, Self.closingPatience) : plan.patience)
            if remedy == .none || isOver {
                served.outcome = .failed(failure.state)
                if case .inDoubt = failure { served.outcome = .unknown(failure.state) }
                return served
            }
            retries.append(failure.state)
            if remedy == .elsewhere { goElsewhere(mode) }
            rest.wait(seconds: pause * Double(chance.within(50...150)) / 100)
            pause = min(0.2, pause * 2)
        }
    }

    /// Nobody writes there now: the address may lead somewhere else by now, or the other address is the one.
    private func goElsewhere(_ mode: InstanceMode) {
        old.leave()
        new.leave()
        if plan.follows { control.goElsewhere(from: mode) }
    }

    private struct Attempt {
        var failure: DealingFailure?
        var swallowed: String?
    }

    private func attempt(_ operation: Operation, _ mode: InstanceMode) throws(BookstoreError) -> Attempt {
        serial += 1
        let token = "\(plan.name).\(run).\(number).\(serial)"
        let began = Monotonic.now.nanoseconds
        let dealing = Dealing(
            token: token, mode: mode, old: old, new: new, habits: plan.habits, chance: chance.below(1 << 30))
        do {
            try dealing.begin()
            try perform(operation, dealing)
            try book(operation, dealing)
            try dealing.commit { () throws(BookstoreError) in
                try ledger.append(
                    .intent(
                        Intent(
                            token: token, operation: operation.rawValue, mode: recorded(mode), began: began,
                            effects: dealing.effects)))
            }
        } catch {
            dealing.rollBack()
            return Attempt(failure: try lost(error, dealing), swallowed: dealing.swallowed)
        }
        try ledger.seal(.acknowledged(token: token, at: Monotonic.now.nanoseconds))
        dealing.acknowledged()
        return Attempt(failure: nil, swallowed: dealing.swallowed)
    }

    private func lost(_ failure: DealingFailure, _ dealing: Dealing) throws(BookstoreError) -> DealingFailure {
        let at = Monotonic.now.nanoseconds
        switch failure {
        case .ledger(let error): throw error
        case .inDoubt: try ledger.append(.doubtful(token: dealing.token, state: failure.state, at: at))
        case .server, .countsDiffer, .declined:
            try ledger.append(.failed(token: dealing.token, state: failure.state, at: at))
            dealing.failed()
        }
        return failure
    }

    /// How it is judged: one address at a time is as strict as the strictest mode.
    func recorded(_ mode: InstanceMode) -> Int { plan.strategy == .pause ? 0 : mode.rawValue }

    private func book(_ operation: Operation, _ dealing: Dealing) throws(DealingFailure) {
        try dealing.run(
            "INSERT INTO bookstore.journal (token, operation, instance, booked_at) VALUES ($1, $2, $3, $4::timestamptz)",
            [dealing.token, operation.rawValue, plan.name, timestamp()])
    }

    // MARK: reading

    private func look(_ mode: InstanceMode) throws(BookstoreError) -> Attempt {
        let began = Monotonic.now.nanoseconds
        let side = mode.reads == .new ? new : old
        let wanted = glance()
        do {
            let found = try side.open().query(wanted.sql, wanted.parameters, doing: "looking around")
            let ended = Monotonic.now.nanoseconds
            var there: [String: Sight] = [:]
            for row in 0..<found.rows {
                let key = found.string(row, 0)
                there[key] = Sight(key, version: found.int(row, 1), token: found.text(row, 2))
            }
            let sights = wanted.keys.map { there[$0] ?? Sight($0, version: nil) }
            try append(
                .read(
                    Reading(
                        mode: recorded(mode), isNew: mode.reads == .new, began: began, ended: ended, sights: sights)))
        } catch {
            if let error = error as? BookstoreError { throw error }
            guard let error = error as? PostgresError else { preconditionFailure("nothing else is thrown there") }
            side.rollBack()
            return Attempt(failure: .server(error, side.side))
        }
        return Attempt()
    }

    private func append(_ entry: LedgerEntry) throws { try ledger.append(entry) }
}

extension String {
    /// The same in every process, unlike `hashValue`.
    fileprivate var hashed: Int { utf8.reduce(5381) { ($0 &* 33) &+ Int($1) } }
}
