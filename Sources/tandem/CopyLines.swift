// How the copy of existing rows goes, as lines for people.

internal import Foundation
internal import InitialCopy
internal import Model

struct CopyLines {
    let progress: CopyProgress
    /// Seconds since it was written; nil when it is of this moment.
    let age: Double?

    /// Label and text.
    var lines: [(label: String, text: String)] {
        if progress.isComplete {
            return [("copy", "complete: \(counted(progress.tables, "table")), \(counted(progress.rows, "row"))")]
        }
        var lines = [("copy", progress.isFinishing ? finishing : summary)]
        if let problem = progress.problem {
            lines.append(("problem", Terminal.alarming(withoutControls(problem))))
        }
        if let hint = progress.hint { lines.append(("remedy", withoutControls(hint))) }
        if progress.isPaused { lines.append(("", Terminal.alarming("paused: `tandem resume` goes on"))) }
        if let resting = progress.resting { lines.append(("", "rests: \(withoutControls(resting))")) }
        if let holding = progress.holding { lines.append(("", "the stream waits until \(holding) is complete")) }
        for table in progress.active { lines += of(table) }
        if let age = progress.snapshotAge {
            lines.append(("vacuum", "held back on old for \(readable(seconds: age)) by the oldest snapshot"))
        }
        return lines
    }

    private var finishing: String {
        "all \(counted(progress.tables, "table")) there; foreign keys, views and what else needs them are made"
    }

    private var summary: String {
        let share = progress.size == 0 ? 1 : min(1, Double(progress.sizeDone) / Double(progress.size))
        var text =
            "\(progress.done) of \(counted(progress.tables, "table")), \(counted(progress.rows, "row")),"
            + " \(readable(bytes: UInt64(progress.sizeDone))) of \(readable(bytes: UInt64(progress.size)))"
            + " (\(Int(share * 100)) %)"
        if let age, age > 5 { return text + ", \(readable(seconds: age)) ago; nothing copies now" }
        if let rate = progress.rate { text += ", \(readable(bytes: UInt64(max(0, rate))))/s" }
        if let left = progress.secondsLeft { text += ", \(readable(seconds: left)) left" }
        return text
    }

    private func of(_ table: CopyProgress.Table) -> [(String, String)] {
        let size = "\(readable(bytes: UInt64(table.bytes))) of \(readable(bytes: UInt64(table.size)))"
        let what =
            switch table.phase {
            case "copying": size + ", \(counted(table.rows, "row")) committed"
            case "finishing": "all \(counted(table.rows, "row")) there, keys and indexes are made"
            default: table.phase
            }
        var lines = [("", "\(table.table): \(what)")]
        if let problem = table.problem { lines.append(("problem", Terminal.alarming(withoutControls(problem)))) }
        if let hint = table.hint { lines.append(("remedy", withoutControls(hint))) }
        return lines
    }
}
