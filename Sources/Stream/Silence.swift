// How long a source has sent nothing. A process that stands still keeps its connection, and nobody else would say so; one that
// lives answers when it is asked to, which it is after half of the time.

internal import Threading

struct Silence {
    /// Seconds that are put up with.
    let longest: Double
    private(set) var isNoted = false
    /// When anything last came, or nothing was waited for.
    private var heardAt: Monotonic

    init(longest: Double, at now: Monotonic = .now) {
        self.longest = longest
        heardAt = now
    }

    func isToBeAsked(at now: Monotonic = .now) -> Bool { now.seconds(since: heardAt) > longest / 2 }

    /// True once, when it has gone on for too long.
    mutating func hasBegun(at now: Monotonic = .now) -> Bool {
        guard !isNoted, now.seconds(since: heardAt) > longest else { return false }
        isNoted = true
        return true
    }

    /// Something came; true when its lack had been noted.
    mutating func ends(at now: Monotonic = .now) -> Bool {
        heardAt = now
        defer { isNoted = false }
        return isNoted
    }

    /// What nobody waits for is not missed.
    mutating func notListening(at now: Monotonic = .now) { heardAt = now }
}
