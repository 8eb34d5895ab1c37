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
        for build in progress.builds { lines.append(("", of(build))) }
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
        let what =
            switch table.phase {
            case "copying": copying(table)
            case "finishing": "all \(counted(table.rows, "row")) there, keys and indexes are made"
            default: table.phase
            }
        var lines = [("", "\(table.table): \(what)")]
        if let overdue = table.overdue {
            lines.append(("", Terminal.alarming("its snapshot is held for longer than limits.snapshot: \(overdue)")))
        }
        if let problem = table.problem { lines.append(("problem", Terminal.alarming(withoutControls(problem)))) }
        if let hint = table.hint { lines.append(("remedy", withoutControls(hint))) }
        return lines
    }

    private func copying(_ table: CopyProgress.Table) -> String {
        let all = table.expectedRows.map { " of about \($0)" } ?? ""
        var parts = [
            "\(Int(table.share * 100)) %, \(counted(table.rows, "row"))\(all), \(readable(bytes: UInt64(table.bytes)))"
        ]
        if let rate = table.rate { parts.append("\(readable(bytes: UInt64(max(0, rate))))/s") }
        if let left = table.secondsLeft { parts.append("\(readable(seconds: left)) left") }
        return parts.joined(separator: ", ")
    }

    private func of(_ build: CopyProgress.Build) -> String {
        withoutControls(build.object) + ": " + (build.phase.map { "\($0), " } ?? "")
            + (build.share.map { "\(Int($0 * 100)) %, " } ?? "") + "since \(readable(seconds: build.seconds))"
    }
}
