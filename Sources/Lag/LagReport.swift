// How far a stream's target is behind its source, and how sure that is. Pure: two samples in, one report out. Unknown is
// never zero. The words are those of the stream forward, from old to new; the one back says them the other way round.
//
// A heartbeat row is written on old each second and travels with the data. New is known to hold everything that was
// committed before the newest beat it shows.
//
//   all beats visible, the last one fresh      lag is what the last beat took from commit to visible
//   a beat is missing on new                   lag is the age of the first missing one
//   no fresh beat on old (no replicator runs)  lag is at most the age of the newest visible beat

package import Model

package struct OldSample: Sendable {
    package let now: Double
    package let position: LSN
    package let beat: (number: Int, at: Double, lsn: LSN)?
    /// Nil when there is no slot.
    package let walHeld: UInt64?
    package let slotStatus: String?

    package init(
        now: Double, position: LSN, beat: (number: Int, at: Double, lsn: LSN)?, walHeld: UInt64?, slotStatus: String?
    ) {
        self.now = now
        self.position = position
        self.beat = beat
        self.walHeld = walHeld
        self.slotStatus = slotStatus
    }
}

package struct NewSample: Sendable {
    package let progress: LSN?
    package let beat: (number: Int, at: Double, lsn: LSN)?
    /// From the running stream's own status, when that is fresh.
    package let latency: Double?
    package let walRate: Double?

    package init(
        progress: LSN?, beat: (number: Int, at: Double, lsn: LSN)?, latency: Double?, walRate: Double?
    ) {
        self.progress = progress
        self.beat = beat
        self.latency = latency
        self.walRate = walRate
    }
}

package struct LagReport: Sendable {
    package enum Seconds: Sendable, Equatable {
        case known(Double)
        case atMost(Double)
        case unknown(String)

        /// What a limit is compared with; nil when nothing is known.
        package var worst: Double? {
            switch self {
            case .known(let seconds), .atMost(let seconds): seconds
            case .unknown: nil
            }
        }
    }

    package let seconds: Seconds
    package let bytes: UInt64?
    package let walHeld: UInt64?
    /// Seconds until the slot holds as much as the limit allows, at the current rate; nil when unknown or never.
    package let untilLimit: Double?
    package let isOverLimit: Bool

    static let beatInterval = 1.0
    static let freshFor = 3.0

    package init(
        old: OldSample?, new: NewSample?, walHeldLimit: Int, problem: String? = nil, direction: Direction = .forward
    ) {
        seconds = Self.seconds(old, new, problem, direction)
        if let old, let progress = new?.progress, progress > .zero {
            bytes = old.position.bytes(since: progress)
        } else {
            bytes = nil
        }
        walHeld = old?.walHeld
        isOverLimit = old?.walHeld.map { $0 > UInt64(walHeldLimit) } ?? false
        untilLimit = Self.untilLimit(old, new, walHeldLimit)
    }

    private static func seconds(
        _ old: OldSample?, _ new: NewSample?, _ problem: String?, _ direction: Direction
    ) -> Seconds {
        let (source, target) = (direction.source, direction.target)
        if let problem { return .unknown(problem) }
        guard let old else { return .unknown("\(source) cannot be reached") }
        guard let new else { return .unknown("\(target) cannot be reached") }
        guard let shown = new.beat else { return .unknown("no heartbeat has arrived on \(target) yet") }
        guard let last = old.beat else { return .unknown("\(source) has no heartbeat") }
        let age = max(0, old.now - shown.at)
        let isFresh = old.now - last.at <= freshFor
        if shown.number >= last.number {
            return isFresh ? .known(new.latency ?? age) : .atMost(age)
        }
        let firstMissing = min(last.at, shown.at + beatInterval)
        guard isFresh else { return .atMost(age) }
        return .known(max(new.latency ?? 0, old.now - firstMissing))
    }

    private static func untilLimit(_ old: OldSample?, _ new: NewSample?, _ limit: Int) -> Double? {
        guard let old, let held = old.walHeld, let rate = rate(old, new), rate > 1 else { return nil }
        return held >= UInt64(limit) ? 0 : Double(UInt64(limit) - held) / rate
    }

    /// The running stream measures it; without one, it is what was written since the last beat.
    private static func rate(_ old: OldSample, _ new: NewSample?) -> Double? {
        if let rate = new?.walRate { return rate }
        guard let beat = old.beat, old.now - beat.at > 1 else { return nil }
        return Double(old.position.bytes(since: beat.lsn)) / (old.now - beat.at)
    }
}
