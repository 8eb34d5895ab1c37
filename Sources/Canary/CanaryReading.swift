// One read, tried: every set of parameters on both sides, the answers held against each other, then timed in turns, and the plans
// compared. What is on its way to the other side is no difference: the answers are asked for again until the stream has passed, and
// differ only when neither side's moves any more.

internal import Configuration
internal import Digest
internal import Foundation
internal import Model
internal import Postgres
internal import Threading

struct CanaryReading {
    private let trial: CanaryTrial
    private let probe: CanaryProbe
    private let query: String

    /// A difference of so few seconds is no matter, whatever the ratio.
    private static let grace = 0.002
    /// Old's seconds count as so many at least: what is shorter is mostly chance.
    private static let least = 0.001
    /// Seconds for which the side in charge is asked again and again.
    private static let burst = 0.1
    /// Seconds between two of these, at least.
    private static let pause = 0.01
    /// Seconds for which nothing may move before answers are called different. A commit may wait for a standby that long.
    private static let standing = 3.0

    init(_ trial: CanaryTrial, _ probe: CanaryProbe, _ query: String) {
        (self.trial, self.probe, self.query) = (trial, probe, query)
    }

    private var old: CanaryDesk { trial.old }
    private var new: CanaryDesk { trial.new }
    private var truth: Side { trial.truth }
    private var inCharge: CanaryDesk { truth == .old ? old : new }
    private var other: CanaryDesk { truth == .old ? new : old }

    func run(_ report: inout CanaryReport) throws {
        for desk in [old, new] { try desk.prepare(probe) }
        guard let sets = try parameters(&report), try comparePlans(sets[0], &report) else { return }
        let end = Monotonic.now.adding(seconds: trial.patience)
        for (place, set) in sets.enumerated() {
            let name = sets.count > 1 ? "parameters no. \(place + 1): " : ""
            guard try tryOne(set, name, &report, by: end) else { return }
        }
        if report.rows == 0 { report.add(.result, isBreach: false, "no row on either side") }
        judgeTimes(&report)
    }

    // MARK: parameters

    private func parameters(_ report: inout CanaryReport) throws -> [[String?]]? {
        switch probe.parameters {
        case .none: return [[]]
        case .given(let sets): return sets
        case .asked(let query):
            let rows: [[String?]]
            do { rows = try inCharge.rows(query) } catch {
                try passOn(error)
                report.add(.error, "its `parameters` query fails on \(truth): \(said(error, []))")
                return nil
            }
            guard !rows.isEmpty else {
                report.add(.error, "its `parameters` query gives no row on \(truth)")
                return nil
            }
            if rows.count > CanaryProbe.mostSets {
                report.add(
                    .result, isBreach: false,
                    "the first \(CanaryProbe.mostSets) of \(rows.count) rows of its `parameters` query were taken")
            }
            return Array(rows.prefix(CanaryProbe.mostSets))
        }
    }

    // MARK: plans

    /// False where the query cannot be asked.
    private func comparePlans(_ set: [String?], _ report: inout CanaryReport) throws -> Bool {
        var plans: [Side: PlanShape?] = [:]
        for desk in [inCharge, other] {
            guard
                let plan = try attempt(
                    desk, "", set, &report, { () throws(PostgresError) in try desk.plan(query, set) })
            else { return false }
            plans[desk.side] = plan
        }
        (report.planOld, report.planNew) = (plans[.old] ?? nil, plans[.new] ?? nil)
        guard probe.plan != .ignored else { return true }
        guard let before = report.planOld, let now = report.planNew else {
            report.add(.plan, isBreach: probe.plan == .same, "there is no plan to be seen")
            return true
        }
        guard before != now else { return true }
        let whole = now.readWhole.subtracting(before.readWhole).intersection(before.byIndex).sorted()
        let what =
            whole.isEmpty
            ? "the plan is another one"
            : "reads \(whole.joined(separator: ", ")) from end to end on new, by an index on old"
        report.add(.plan, isBreach: probe.plan == .same, what)
        return true
    }

    // MARK: one set

    /// False where there is nothing to go on with.
    private func tryOne(_ set: [String?], _ name: String, _ report: inout CanaryReport, by end: Monotonic) throws
        -> Bool
    {
        guard let here = try ask(inCharge, set, name, &report), let there = try ask(other, set, name, &report) else {
            return false
        }
        report.sets += 1
        report.rows += here.0.rows.count
        note(first: [inCharge.side: here.seconds, other.side: there.seconds], &report)
        switch try compare(set, name, here.0, there.0, &report, by: end) {
        case .same: try time(set, name, &report)
        case .different: break
        case .unknown: return false
        }
        return true
    }

    private func note(first seconds: [Side: Double], _ report: inout CanaryReport) {
        report.old.first = max(report.old.first ?? 0, seconds[.old] ?? 0)
        report.new.first = max(report.new.first ?? 0, seconds[.new] ?? 0)
    }

    private func ask(
        _ desk: CanaryDesk, _ set: [String?], _ name: String, _ report: inout CanaryReport
    ) throws -> (CanaryAnswer, seconds: Double)? {
        try attempt(desk, name, set, &report) { () throws(PostgresError) in try desk.ask(query, set) }
    }

    private enum Verdict { case same, different, unknown }

    /// Rows that never stand still are the same where the other side has an answer that the side in charge gave while the stream was
    /// waited for, or right after.
    private func compare(
        _ set: [String?], _ name: String, _ first: CanaryAnswer, _ second: CanaryAnswer,
        _ report: inout CanaryReport, by end: Monotonic
    ) throws -> Verdict {
        let rule = probe.result
        var (here, there) = (first, second)
        if here.digest(rule) == there.digest(rule) { return .same }
        let limit = trial.stream.stands ? Monotonic.now.adding(seconds: 5) : end
        var since: Monotonic?
        var passes = true
        while true {
            guard Monotonic.now < limit else {
                let why = passes ? "its answers do not come to rest" : "\(truth.other) does not catch up"
                report.add(.unsettled, "\(name)\(why): whether they are the same is not known")
                return .unknown
            }
            let before = (here: here.digest(rule), there: there.digest(rule))
            var (given, moved): (Set<SHA256Digest>, Bool) = ([], false)
            var isAnswered = true
            func look() throws {
                guard isAnswered, let answer = try ask(inCharge, set, name, &report) else {
                    isAnswered = false
                    return
                }
                here = answer.0
                given.insert(here.digest(rule))
                moved = moved || here.digest(rule) != before.here
                // Half of the time at most it is kept busy.
                _ = trial.stop.wait(seconds: max(Self.pause, answer.seconds))
            }
            try look()
            passes = try trial.stream.catchUp(by: limit, meanwhile: look)
            guard isAnswered, let answer = try ask(other, set, name, &report) else { return .unknown }
            there = answer.0
            let burst = Monotonic.now
            repeat {
                if given.contains(there.digest(rule)) { return .same }
                try look()
            } while isAnswered && burst.age < Self.burst
            if given.contains(there.digest(rule)) { return .same }
            guard isAnswered else { return .unknown }
            guard !trial.stop.wait(seconds: 0.1) else { throw trial.interrupted }
            if !passes || moved || there.digest(rule) != before.there {
                since = nil
            } else if let since {
                if since.age > Self.standing { break }
            } else {
                since = burst
            }
        }
        let (onOld, onNew) = truth == .old ? (here, there) : (there, here)
        report.add(.result, name + CanaryAnswer.difference(old: onOld, new: onNew, rule))
        return .different
    }

    // MARK: times

    private func time(_ set: [String?], _ name: String, _ report: inout CanaryReport) throws {
        var runs: (old: [Double], new: [Double]) = ([], [])
        for round in 0..<probe.runs {
            guard !trial.stop.isRaised else { throw trial.interrupted }
            // In turns, so that neither always comes right after the other.
            for desk in round % 2 == 0 ? [old, new] : [new, old] {
                guard let seconds = try ask(desk, set, name, &report)?.seconds else { return }
                if desk.side == .old { runs.old.append(seconds) } else { runs.new.append(seconds) }
            }
        }
        report.old.runs += runs.old
        report.new.runs += runs.new
        guard let before = CanaryReport.Times.median(runs.old), let now = CanaryReport.Times.median(runs.new) else {
            return
        }
        if now > max(before, Self.least) * probe.slower, now > before + Self.grace {
            report.add(
                .time,
                "\(name)takes \(shortly(seconds: now)) on new, \(shortly(seconds: before)) on old: more than"
                    + " \(shortly(probe.slower)) times as long")
        }
    }

    private func judgeTimes(_ report: inout CanaryReport) {
        guard let within = probe.within, let longest = report.new.longest, longest > within else { return }
        report.add(.time, "took up to \(shortly(seconds: longest)) on new, and may take \(shortly(seconds: within))")
    }

    // MARK: failures

    /// Nil where that side gave no answer, which is noted. Where the side in charge gives one, that is a verdict on the other.
    private func attempt<Value>(
        _ desk: CanaryDesk, _ name: String, _ set: [String?], _ report: inout CanaryReport,
        _ body: () throws(PostgresError) -> Value
    ) throws -> Value? {
        do { return try body() } catch {
            try passOn(error)
            let isOther = desk.side != truth
            report.add(
                isOther ? .failure : .error,
                "\(name)fails on \(desk.side)\(isOther ? " only" : ""): \(said(error, set))")
            return nil
        }
    }

    /// What is not about this probe.
    private func passOn(_ error: PostgresError) throws(PostgresError) {
        switch error.kind {
        case .server: if !old.connection.isBroken && !new.connection.isBroken { return }
        default: break
        }
        throw error
    }

    /// Whose messages say what is wrong with the query, and nothing of what is in the tables.
    private static let tellable: Set<String> = [
        "0A000", "25006", "3F000", "42501", "42601", "42702", "42703", "42803", "42804", "42883", "42P01", "42P02",
        "42P18",
        "08P01",
    ]

    private func said(_ error: PostgresError, _ set: [String?]) -> String {
        let state = error.sqlState?.code ?? ""
        if state == "57014" {
            return "it was cancelled, as what takes longer than its `timeout` (\(shortly(seconds: probe.timeout))) is"
        }
        let isSecret = set.contains { value in value.map { !$0.isEmpty && error.message.contains($0) } ?? false }
        guard Self.tellable.contains(state), !isSecret else {
            return "[\(state)], and what the server says may have values in it: ask there"
        }
        var text = "\(withoutControls(error.message)) [\(state)]"
        if ["42P01", "42883", "3F000"].contains(state) { text += "; names are looked for in its `search_path`" }
        if state == "25006" { text += "; a read may not write" }
        return text
    }
}
