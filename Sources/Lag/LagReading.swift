// Takes the samples a lag report is made of. Needs no running replicator, only the two databases.

internal import Model
internal import Postgres
package import State

package struct LagReading: Sendable {
    package let report: LagReport
    package let status: StreamStatus?
    /// Seconds since the running stream last said anything.
    package let statusAge: Double?
    package let oldProblem: String?
    package let newProblem: String?

    /// A stream that spoke in the last seconds is running.
    package var isRunning: Bool { (statusAge ?? .infinity) < 5 && status?.state != .stopped }
}

package struct LagReader {
    package let old: SourceSide?
    package let new: TargetSide?
    package let oldProblem: String?
    package let newProblem: String?
    package let walHeldLimit: Int

    package init(
        old: SourceSide?, new: TargetSide?, oldProblem: String?, newProblem: String?, walHeldLimit: Int
    ) {
        self.old = old
        self.new = new
        self.oldProblem = oldProblem
        self.newProblem = newProblem
        self.walHeldLimit = walHeldLimit
    }

    package func read() -> LagReading {
        // New first: what it shows then cannot be newer than what is read on old.
        var (newProblem, oldProblem) = (newProblem, oldProblem)
        var new: NewSample?
        var status: StreamStatus?
        var age: Double?
        do {
            if let side = self.new { (new, status, age) = try Self.sample(side) }
        } catch { newProblem = error.description }
        var old: OldSample?
        do {
            if let side = self.old { old = try Self.sample(side) }
        } catch { oldProblem = error.description }
        let problem = newProblem ?? oldProblem
        return LagReading(
            report: LagReport(
                old: old, new: new, walHeldLimit: walHeldLimit, problem: problem,
                direction: (self.old?.stream ?? self.new?.stream)?.direction ?? .forward), status: status,
            statusAge: age, oldProblem: oldProblem, newProblem: newProblem)
    }

    private static func sample(_ side: SourceSide) throws(PostgresError) -> OldSample {
        let beat = try side.hasSchema ? try side.lastBeat() : nil
        let slot = try side.slot()
        return OldSample(
            now: try side.now(), position: try side.currentPosition(),
            beat: beat.map { ($0.number, $0.at, $0.lsn) }, walHeld: slot?.walHeld, slotStatus: slot?.walStatus)
    }

    private static func sample(
        _ side: TargetSide
    ) throws(PostgresError) -> (NewSample, StreamStatus?, Double?) {
        guard try side.hasSchema else {
            return (NewSample(progress: nil, beat: nil, latency: nil, walRate: nil), nil, nil)
        }
        let beat = try side.lastBeat()
        let written = try side.readStatus()
        let status = written.flatMap { StreamStatus.decode($0.text) }
        let isFresh = (written?.age ?? .infinity) < LagReport.freshFor
        let sample = NewSample(
            progress: try side.progress(durable: false), beat: beat.map { ($0.number, $0.at, $0.lsn) },
            latency: isFresh ? status?.latency : nil, walRate: isFresh ? status?.walRate : nil)
        return (sample, status, written?.age)
    }
}
