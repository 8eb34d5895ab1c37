// How long the receiving thread leaves its socket alone in a flood. The source sends each message by itself, and waking for
// each costs more than reading it; what gathers meanwhile is read at once.
//
// Where TCP ends on this machine each message is also delivered and acknowledged by itself, by the source's processor, and
// at several times the price of writing it, for as long as we have room for it. So there the buffer is small, and we stay
// away for long enough to fill it: the rest gathers on the source's side, and comes in few large pieces.

internal import Threading

struct ReadingPace {
    /// So many messages at once mean that more are coming than we need wake for one by one.
    static let busy = 16
    /// A local socket holds some 200 small messages, then the source waits for us: about half of that may gather.
    static let short = 0.000_15
    /// What a source writes meanwhile, even one that is slowed by its own packets, is much more than the buffer holds.
    static let long = 0.015
    /// Seconds for which it must have gone on without a break: a transaction of many rows is no flood.
    static let steady = 0.02
    /// A long absence that brings less than this was none of a flood: so much comes in it where a source sends without a break.
    static let much = 100
    /// The price is one of messages. Where they are larger than this on average it matters little, and more comes in the
    /// meantime than the source's socket can hold.
    static let small = 512

    /// Then the buffer is small.
    let isWithinOneHost: Bool
    /// When the flood began.
    private var since: Monotonic?
    private var wasLong = false

    init(isWithinOneHost: Bool) { self.isWithinOneHost = isWithinOneHost }

    /// Seconds to stay away after a read that gave so much; nil when the socket itself is to wake us.
    mutating func rest(after messages: Int, bytes: Int, at now: Monotonic = .now) -> Double? {
        guard messages >= (wasLong ? Self.much : Self.busy) else {
            (since, wasLong) = (nil, false)
            return nil
        }
        let since = since ?? now
        self.since = since
        let isFlood = now.seconds(since: since) > Self.steady && bytes < messages * Self.small
        wasLong = isWithinOneHost && isFlood
        return wasLong ? Self.long : Self.short
    }
}
