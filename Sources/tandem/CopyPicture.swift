// How the copy looks on a terminal: bars, speeds and what is left, a line each for the pair, its tables, what is being made
// and what stands in the way. Pure.

internal import Foundation
internal import InitialCopy
internal import Model

struct CopyPicture {
    let columns: Int
    /// At most so many.
    let lines: Int
    let isUnicode: Bool
    let isColored: Bool

    func lines(_ pair: String, _ progress: CopyProgress) -> [String] {
        let rows = tables(progress) + builds(progress)
        let width = min(max(12, columns / 3), rows.map { withoutControls($0.name).count }.max() ?? 0)
        let notes = notes(progress)
        let room = max(0, lines - 1 - notes.count)
        var shown = rows.prefix(room).map { row in
            "  \(fitted(withoutControls(row.name), width))  \(bar(row.share, columns / 8))  \(row.text)"
        }
        if rows.count > room, !shown.isEmpty { shown[shown.count - 1] = "  and \(rows.count - room + 1) more" }
        let all = [head(pair, progress)] + shown + notes
        return all.prefix(lines).enumerated().map { index, line in
            index == 0 ? styled(cut(line), "1") : notes.contains(line) ? styled(cut(line), "31") : cut(line)
        }
    }

    // MARK: the whole

    private func head(_ pair: String, _ progress: CopyProgress) -> String {
        let share = progress.size == 0 ? 1 : Double(progress.sizeDone) / Double(progress.size)
        var parts = [
            "\(percent(share))  \(readable(bytes: UInt64(progress.sizeDone))) of \(readable(bytes: UInt64(progress.size)))"
        ]
        if progress.done < progress.tables, !progress.isPaused, progress.resting == nil {
            parts += speed(progress.rate, progress.secondsLeft)
        }
        parts.append("\(progress.done) of \(counted(progress.tables, "table"))")
        parts.append(counted(progress.rows, "row"))
        // Whole parts, as many as there is room for.
        var text = "\(withoutControls(pair))  \(bar(share, columns / 6))  " + parts[0]
        for part in parts.dropFirst() where text.count + 2 + part.count <= columns { text += "  " + part }
        return text
    }

    private func speed(_ rate: Double?, _ left: Double?) -> [String] {
        var parts: [String] = []
        if let rate { parts.append("\(readable(bytes: UInt64(max(0, rate))))/s") }
        if let left {
            parts.append("\(left < 120 ? "\(Int(max(1, left.rounded()))) s" : readable(seconds: left)) left")
        }
        return parts
    }

    // MARK: its parts

    private struct Row {
        let name: String
        let share: Double?
        let text: String
    }

    private func tables(_ progress: CopyProgress) -> [Row] {
        progress.active.map { table in
            switch table.phase {
            case "copying":
                let parts = ["\(percent(table.share))  \(counted(table.rows, "row"))"]
                return Row(
                    name: table.table, share: table.share,
                    text: (parts + speed(table.rate, table.secondsLeft)).joined(separator: "  "))
            case "finishing": return Row(name: table.table, share: 1, text: "\(counted(table.rows, "row")) there")
            default: return Row(name: table.table, share: table.share, text: table.phase)
            }
        }
    }

    private func builds(_ progress: CopyProgress) -> [Row] {
        progress.builds.filter { $0.seconds > 0.5 }.map { build in
            let phase = build.phase.map { "\($0), " } ?? ""
            return Row(name: build.object, share: build.share, text: "\(phase)\(Int(build.seconds)) s")
        }
    }

    private func notes(_ progress: CopyProgress) -> [String] {
        var notes: [String] = []
        if progress.isPaused { notes.append("  paused: `tandem resume` goes on") }
        if let resting = progress.resting { notes.append("  rests: \(withoutControls(resting))") }
        if let problem = progress.problem { notes.append("  \(withoutControls(problem))") }
        for table in progress.active {
            if let problem = table.problem { notes.append("  \(withoutControls(problem))") }
            if let overdue = table.overdue {
                notes.append("  \(table.table) holds its snapshot on old for longer than limits.snapshot: \(overdue)")
            }
        }
        return Array(notes.prefix(max(1, lines / 3)))
    }

    // MARK: drawing

    private func percent(_ share: Double) -> String {
        let text = "\(Int(min(1, max(0, share)) * 100)) %"
        return String(repeating: " ", count: max(0, 5 - text.count)) + text
    }

    private func bar(_ share: Double?, _ width: Int) -> String {
        let width = max(6, width)
        guard let share else { return String(repeating: " ", count: width) }
        let full = Int((min(1, max(0, share)) * Double(width)).rounded(.down))
        return String(repeating: isUnicode ? "█" : "#", count: full)
            + String(repeating: isUnicode ? "░" : ".", count: width - full)
    }

    /// Names of one width; what a long one begins with says least.
    private func fitted(_ text: String, _ width: Int) -> String {
        guard text.count > width else { return text + String(repeating: " ", count: width - text.count) }
        return (isUnicode ? "…" : "~") + text.suffix(max(0, width - 1))
    }

    private func cut(_ line: String) -> String { String(line.prefix(columns)) }

    private func styled(_ text: String, _ style: String) -> String {
        isColored ? "\u{1b}[\(style)m\(text)\u{1b}[0m" : text
    }
}
