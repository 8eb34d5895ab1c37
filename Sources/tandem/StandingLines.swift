// The head of `status`: at which step the pair is, since when and by whom, whose value counts, whether going back would work,
// and how long either side may stay away.

internal import Configuration
internal import Lag
internal import Model
internal import Passage
internal import Postgres
internal import Protocol
internal import State
internal import Stream

struct StandingLines {
    let standing: PairStanding
    private let outlook: RollbackOutlook
    private let forward: LagReading
    private let back: LagReading?

    /// A side that cannot be reached is nil; what the other one says is shown.
    init(_ plan: StreamPlan, old: Connection?, new: Connection?, forward: LagReading, limit: Int) throws {
        standing = try PairStanding(old: old, new: new, plan, configured: plan.strategy)
        self.forward = forward
        let name = plan.stream.opposite
        var (back, slot): (LagReading?, SlotState?) = (nil, nil)
        if let old, let new, standing.row?.reverse ?? .off != .off {
            back = LagReader(
                old: SourceSide(new, name), new: TargetSide(old, name), oldProblem: nil, newProblem: nil,
                walHeldLimit: limit
            ).read()
            slot = try SourceSide(new, name).slot()
        }
        self.back = back
        outlook = RollbackOutlook(
            standing.step, standing.strategy, back: back, slot: slot,
            unreached: old == nil ? .old : new == nil ? .new : nil)
    }

    var lines: [(label: String, text: String)] {
        var lines = [("step", "\(standing.step.rawValue), \(standing.step.meaning)" + sinceText)]
        lines.append(("in charge", "\(standing.truth.rawValue); strategy \(standing.strategy.rawValue)"))
        if let intent = standing.intent {
            let what =
                intent.to == standing.step
                ? "was interrupted after its commit" : "was begun and not committed"
            lines.append(
                ("", Terminal.alarming("step \(intent.from.rawValue) to \(intent.to.rawValue) \(what): `tandem step`")))
        }
        lines.append(
            (
                "rollback",
                outlook.isAvailable
                    ? "available: yes, \(outlook.because)"
                    : Terminal.alarming("available: no, because \(outlook.because)")
            ))
        let away = awayTexts
        if !away.isEmpty { lines.append(("may be away", away.joined(separator: "; "))) }
        return lines
    }

    private var sinceText: String {
        guard let epoch = standing.epoch else { return "" }
        return ", since \(epoch.since.prefix(19).replacing("T", with: " ")) UTC by \(withoutControls(epoch.by))"
    }

    /// Of the side that is not in charge, to which a stream leads: while it is away, the other one keeps its log. Whoever writes it
    /// strictly, or reads it, notices at once, and the side in charge is nobody's to take away.
    private var awayTexts: [String] {
        let side = standing.truth.other
        guard let reading = side == .new ? forward : back, reading.report.walHeld != nil else { return [] }
        if reading.report.isOverLimit { return ["\(side.rawValue) no longer: the log held is over its limit"] }
        let long =
            reading.report.untilLimit.map {
                "\(side.rawValue) for \(readable(seconds: $0)), at the rate of the last minute"
            }
            ?? "\(side.rawValue) for long: little is written"
        let strict = standing.row?.modes.filter { $0.writesStrictly(side) && $0 != .newOnly && $0 != .oldOnly } ?? []
        guard !strict.isEmpty else { return [long] }
        let modes = strict.map(\.rawValue).sorted().map(String.init).joined(separator: " and ")
        return [long, "writes in mode \(modes) fail meanwhile"]
    }

    // MARK: for machines

    struct Line: Encodable, Sendable {
        struct Away: Encodable, Sendable {
            let side: String
            /// Bytes the other side keeps for it, and seconds until that is more than it may; nil where little is written.
            let held: UInt64?
            let seconds: Double?
        }

        let step: Int
        let epoch: Int?
        let since: String?
        let by: String?
        let strategy: String
        let truth: String
        let goingTo: Int?
        let rollbackAvailable: Bool
        let rollbackBecause: String
        let mayBeAway: [Away]
    }

    var machineReadable: Line {
        Line(
            step: standing.step.rawValue, epoch: standing.epoch?.number, since: standing.epoch?.since,
            by: standing.epoch?.by, strategy: standing.strategy.rawValue, truth: standing.truth.rawValue,
            goingTo: standing.intent?.to.rawValue, rollbackAvailable: outlook.isAvailable,
            rollbackBecause: outlook.because,
            mayBeAway: [(Side.new, forward as LagReading?), (.old, back)].compactMap { side, reading in
                reading.map {
                    Line.Away(side: side.rawValue, held: $0.report.walHeld, seconds: $0.report.untilLimit)
                }
            })
    }
}
