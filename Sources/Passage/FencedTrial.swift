// `switch --dry-run`: the fence itself, on both sides, for at most 50 ms, and a mark through every stream. Says how long it would
// have waited, and for whom. Nothing stays but two rows in tandem's own tables that say how often marks were written.

internal import Configuration
internal import Fence
internal import Model
internal import Postgres
package import Protocol
internal import State
internal import Stream
internal import Threading

package struct FencedTrial {
    private let desk: PairDesk
    private let plan: FencedPlan
    private static let limit = 0.05

    package init?(_ desk: PairDesk, _ transition: Transition) {
        guard let plan = FencedPlan(transition, desk.table) else { return nil }
        (self.desk, self.plan) = (desk, plan)
    }

    /// In sentences.
    package func run() throws -> [String] {
        _ = try desk.reached()
        let clock = try ActClock(seconds: 30, heeding: desk.stop)
        defer { clock.end() }
        var lines: [String] = []
        let names = try FencedNames(desk).read()
        for side in Side.allCases {
            guard let connection = desk.connection(side) else { continue }
            let bare = try FencedTables(connection, desk.plan.stream).read(names[side] ?? []).filter { !$0.isCovered }
            if !bare.isEmpty {
                lines.append(
                    "\(bare.count == 1 ? "1 table" : "\(bare.count) tables") on \(side.rawValue) would be fenced first, such as \(bare[0].name)"
                )
            }
        }
        lines += try fence(clock)
        lines += try marks(clock)
        return lines
    }

    private func fence(_ clock: ActClock) throws -> [String] {
        var (lines, left): ([String], Double) = ([], Self.limit)
        // Both connected before the first is put up: nobody waits for that.
        let fences = try Side.allCases.map {
            try FenceSession(to: desk.target($0), desk.plan.stream, on: $0, stop: clock.stop)
        }
        defer { fences.forEach { $0.takeDown() } }
        for fence in fences {
            let side = fence.side
            do {
                // Whatever becomes of this command, the server ends it.
                try fence.putUp(within: max(0.001, left), lease: 2 * Self.limit)
                lines.append("the fence on \(side.rawValue) was up after \(Self.milliseconds(fence.waited))")
            } catch let error as PostgresError where error.sqlState == "55P03" {
                fences.forEach { $0.takeDown() }
                let holders =
                    try desk.connection(side).map { try InTheWay(on: $0).writers(FenceNames(desk.plan.stream)) } ?? []
                lines.append(
                    "the fence on \(side.rawValue) was not up after \(Self.milliseconds(fence.waited)); it would have waited for "
                        + (holders.isEmpty ? "somebody who is gone by now" : Holder.listed(holders)))
                return lines
            }
            left -= fence.waited
        }
        return lines
    }

    private func marks(_ clock: ActClock) throws -> [String] {
        for side in Side.allCases {
            guard let connection = desk.connection(side) else { continue }
            if let standbys = try SynchronousStandbys(of: side, on: connection, desk.plan.stream),
                standbys.areMissing
            {
                return ["no mark was sent: \(standbys.inWords)"]
            }
        }
        let pair = try FencedPair(desk, plan, clock)
        let budget = desk.configuration.limits.pause
        let slowest = try pair.measureDrain(limit: 10)
        return [
            slowest >= 10
                ? "what is written on one side did not reach the other within 10 s"
                : "what is written on one side is on the other, and durable, after \(Self.milliseconds(slowest)); writers may be held"
                    + " for \(Self.milliseconds(budget))"
        ]
    }

    private static func milliseconds(_ seconds: Double) -> String { "\(Int((seconds * 1000).rounded(.up))) ms" }
}
