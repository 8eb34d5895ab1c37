// What `tandem run` shows to others: both databases of every pair, looked at every few seconds by a thread for each pair with
// connections of its own, exactly as `tandem status` looks at them. Nothing of a stream's is touched, and who asks is
// answered from what was seen last.

internal import Foundation
internal import HTTP
internal import Metrics
internal import Model
internal import Stream
internal import Telemetry
internal import Threading

final class Observatory: Sendable {
    struct View: Sendable {
        let line: StatusScreen.Line
        let at: Date
        let seen: Monotonic
        let seconds: Double
    }

    private static let pause = 5.0
    /// After this long without a look something is wrong with this process, whatever is wrong with the databases.
    private static let tooLong = 120.0

    private let plans: [StreamPlan]
    private let limit: Int
    private let stop: StopSignal
    private let tally: LogTally
    private let announcer: @Sendable () -> EventCounts?
    private let began = Monotonic.now
    private let views = Monitor<[String: View]>([:])
    /// Of pairs whose runner has ended, what ended it.
    private let ended = Monitor<[String: String]>([:])

    init(
        _ plans: [StreamPlan], limit: Int, stop: StopSignal, tally: LogTally,
        announcer: @escaping @Sendable () -> EventCounts?
    ) {
        self.plans = plans
        self.limit = limit
        self.stop = stop
        self.tally = tally
        self.announcer = announcer
    }

    func nowEnded(_ pair: String, _ reason: String) { ended.withLock { $0[pair] = reason } }

    // MARK: looking

    /// A thread for each pair, until asked to stop.
    func begin() throws -> [Threading.Thread] {
        try plans.map { plan in try Threading.Thread("observe") { self.watch(plan) } }
    }

    private func watch(_ plan: StreamPlan) {
        var sides = StatusSides(plan, as: "observe")
        while !stop.isRaised {
            let begun = Monotonic.now
            let line = StatusScreen(plan, limit: limit, sides).machineReadable
            let view = View(line: line, at: Date(), seen: Monotonic.now, seconds: begun.age)
            views.withLock { $0[plan.pair] = view }
            if stop.wait(seconds: Self.pause) { return }
            sides.renewBroken()
        }
    }

    // MARK: answering

    func answer(_ request: Request) -> Response {
        switch request.path {
        case "/metrics": Response(metrics(), type: MetricsPage.type)
        case "/status": Response(status() + "\n", type: "application/json")
        case "/healthz": health()
        case "/":
            Response(
                "tandem \(TandemVersion.text)\n/metrics  for Prometheus\n/status   as `tandem status --json`\n/healthz  is this process well?\n"
            )
        default: .refusing(404)
        }
    }

    private func metrics() -> String {
        let views = views.withLock { $0 }
        var page = MetricsPage()
        page.addProcess(tally.counts, announcer())
        if views.count == plans.count {
            page.add(MetricCatalog.observed, views.values.map(\.at.timeIntervalSince1970).min())
            page.add(MetricCatalog.observing, views.values.map(\.seconds).max())
        }
        for (_, view) in views.sorted(by: { $0.key < $1.key }) where view.seen.age < Self.tooLong {
            page.add(view.line, at: view.at)
        }
        return page.text
    }

    private func status() -> String {
        let views = views.withLock { $0 }
        return Terminal.jsonText(plans.compactMap { views[$0.pair]?.line })
    }

    /// 503 when this process does not do its work any more; what keeps a stream from going on is for metrics and `status`.
    private func health() -> Response {
        let (views, ended) = (views.withLock { $0 }, ended.withLock { $0 })
        var faults = ended.sorted { $0.key < $1.key }.map { "\($0.key): ended: \($0.value)" }
        for plan in plans where (views[plan.pair]?.seen ?? began).age > Self.tooLong {
            faults.append("\(plan.pair): not looked at for \(Int((views[plan.pair]?.seen ?? began).age)) s")
        }
        guard faults.isEmpty else {
            return Response(faults.map(withoutControls).joined(separator: "\n") + "\n", status: 503)
        }
        let states = plans.map { plan in
            "\(plan.pair): \(views[plan.pair].map { $0.line.lag.state ?? "unknown" } ?? "not seen yet")"
        }
        return Response((["ok"] + states).joined(separator: "\n") + "\n")
    }
}
