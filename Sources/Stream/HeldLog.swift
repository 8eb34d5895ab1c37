// The log that a slot holds back on the source, against `limits.wal_held`: one alarm when the limit is passed, again only
// after it was kept. The heart watches while the stream runs; the runner does when it cannot run.

internal import Telemetry

struct HeldLog {
    let limit: Int
    private var isAlarmed = false

    init(limit: Int) { self.limit = limit }

    mutating func note(_ held: UInt64, _ log: Log) {
        let isOver = held > limit
        if isOver && !isAlarmed {
            log.error(
                "wal held past its limit",
                [.bytes: held, .limit: limit, .hint: "old keeps this log for new; look at `tandem status`"])
        }
        isAlarmed = isOver
    }
}
