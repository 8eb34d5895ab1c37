// The copy of existing rows on a terminal: a few lines below the log, redrawn while `tandem run` copies. Any thread may call.

internal import Foundation
internal import InitialCopy
internal import Model
internal import Telemetry
internal import Threading

final class CopyDisplay: Sendable {
    private let log: Log
    private let pairs = Monitor<[String: CopyProgress]>([:])

    /// Nil where nothing can be redrawn.
    init?(_ log: Log) {
        guard Terminal.hasLogScreen else { return nil }
        self.log = log
    }

    /// What is told of one pair; nil takes it away.
    func place(of pair: String) -> @Sendable (CopyProgress?) -> Void {
        { [self] progress in
            let all = pairs.withLock { pairs in
                pairs[pair] = progress
                return pairs.sorted { $0.key < $1.key }
            }
            let (columns, lines) = Terminal.logSize
            let picture = CopyPicture(
                columns: columns, lines: max(2, (lines - 3) / max(1, all.count)), isUnicode: Terminal.isUnicode,
                isColored: Terminal.colorsLog)
            log.keep(below: all.flatMap { picture.lines($0.key, $0.value) })
        }
    }
}
