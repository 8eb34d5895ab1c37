// The log that a slot holds back on the source, against `limits.wal_held`: one alarm when the limit is passed, again only
// after it was kept. The heart watches while the stream runs; the runner does when it cannot run.

internal import Model
internal import Telemetry

struct HeldLog {
    let limit: Int
    let stream: StreamName
    private var isAlarmed = false

    init(limit: Int, stream: StreamName) {
        self.limit = limit
        self.stream = stream
    }

    mutating func note(_ held: UInt64, _ log: Log) {
        let isOver = held > limit
        if isOver && !isAlarmed {
            log.error(
                "wal held past its limit",
                [
                    .bytes: held, .limit: limit,
                    .hint: "\(stream.source) keeps this log for \(stream.target); look at `tandem status`",
                ])
        }
        isAlarmed = isOver
    }
}
