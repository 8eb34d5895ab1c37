// One instance of the bookstore's application: a process with a name of its own, which serves customers on several threads and
// does what its control file says. The thread that runs it watches; the clerks work.

package import Foundation
internal import Ledger
internal import Model
internal import Postgres
package import Threading

/// What an instance says of itself each second.
package struct InstanceReport: Codable, Sendable {
    package var at: Date
    package var instance: String
    package var pid: Int32
    package var strategy: String
    /// The mode in which everything is done by now; nil while it changes.
    package var mode: Int?
    package var address: String
    package var rate: Double
    /// Of the last second; of the whole run in the last report.
    package var counts: ServiceCounts
    package var p50: Double?
    package var p95: Double?
    package var p99: Double?
    package var longest: Double
    /// How long somebody has been waiting who is not served yet.
    package var waiting: Double
    /// The longest that anybody has waited since the start.
    package var longestWait: Double
    package var seconds: Double
    package var isLast: Bool
}

package struct Instance {
    private let plan: InstancePlan
    private let directory: ShopDirectory
    private let opening: Opening
    private let mix: Mix

    package init(_ plan: InstancePlan, in directory: ShopDirectory) throws {
        (self.plan, self.directory) = (plan, directory)
        opening = try directory.opening()
        guard opening.books > 0, opening.accounts > 0 else {
            throw BookstoreError("a bookstore without books or accounts has nothing to do", .usage)
        }
        mix = try Mix(plan.mix, hasKeyless: opening.hasKeyless)
        if plan.strategy == .dualWrite, plan.mode.writesNew, plan.new == nil {
            throw BookstoreError("mode \(plan.mode.rawValue) needs `--new CONN`", .usage)
        }
    }

    /// Until asked to stop, or its time is over. `report` is called each second, and once more at the end.
    package func run(
        stop: StopSignal, report: (InstanceReport) -> Void, note: (String) -> Void
    ) throws -> ServiceCounts {
        try findShop(stop)
        let ledger = try LedgerFile(directory.ledger(plan.name))
        let watch = Watch(plan, directory, ledger)
        try watch.begin()
        let (closing, hardStop) = (StopSignal(), StopSignal())
        let failure = Monitor<BookstoreError?>(nil)
        var clerks: [Threading.Thread] = []
        defer {
            // Whoever is at it comes to an end; who cannot, because nobody answers, is cut off.
            closing.raise()
            watch.waitForClerks(seconds: 10)
            hardStop.raise()
            clerks.forEach { $0.join() }
        }
        for number in 1...max(1, plan.clients) {
            watch.arrive()
            clerks.append(
                try Threading.Thread("clerk \(number)") { [plan, opening, mix, watch] in
                    defer { watch.depart() }
                    let clerk = Clerk(
                        number, plan, opening, run: watch.run, control: watch.control, ledger: ledger,
                        meter: watch.meter, hardStop: hardStop)
                    do throws(BookstoreError) { try clerk.work(mix: mix, pace: watch.pace, closing: closing) } catch {
                        failure.withLock { $0 = $0 ?? error }
                    }
                })
        }
        while !stop.isRaised, plan.seconds.map({ watch.began.age < $0 }) ?? true {
            if let failure = failure.withLock({ $0 }) { throw failure }
            try watch.look(report: report, note: note)
            stop.wait(seconds: 0.05)
        }
        closing.raise()
        watch.waitForClerks(seconds: 10)
        hardStop.raise()
        if let failure = failure.withLock({ $0 }) { throw failure }
        return try watch.end(report: report)
    }

    /// What it would be refused for; nothing is written.
    package func look(_ stop: StopSignal) throws {
        try findShop(stop)
        guard LedgerFile.isInUse(directory.ledger(plan.name)) else { return }
        throw BookstoreError(
            "\(directory.ledger(plan.name)) is in use",
            hint: "an instance of that name runs already; give this one another name")
    }

    /// Once, where it reads: what is wrong with an address is said at once, and not as a customer's error each time.
    private func findShop(_ stop: StopSignal) throws {
        let side = plan.mode.reads
        let target = ConnectionTarget(
            conninfo: side == .new ? plan.new ?? plan.old : plan.old, label: side.rawValue)
        let connection = try Connection(to: target, for: .application, as: plan.name, stop: stop)
        do {
            try connection.query(
                "SELECT FROM bookstore.books LIMIT 1", doing: "looking for the bookstore on \(side.rawValue)")
        } catch {
            guard error.sqlState == "42P01" || error.sqlState == "3F000" else { throw error }
            throw BookstoreError("there is no bookstore on \(side.rawValue)", hint: "`tandem bookstore load` makes one")
        }
    }
}
