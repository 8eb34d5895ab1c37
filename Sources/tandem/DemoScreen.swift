// How the demo looks: what has been shown, what is being shown and why it matters, the bookstore as its customers feel it, and
// tandem beside it. A picture of so many lines. Pure.

internal import Bookstore
internal import Foundation
internal import InitialCopy
internal import Lag
internal import Model
internal import Protocol
internal import State

struct DemoScreen {
    struct Scene {
        let title: String
        let words: String
        /// What was found in it.
        var results: [String] = []
    }

    let columns: Int
    let lines: Int
    let isUnicode: Bool
    let isColored: Bool

    func picture(
        _ headline: String, _ scenes: [Scene], at place: Int, _ reading: DemoGauge.Reading, seconds: Double
    ) -> [String] {
        let head = strong(fitted(Self.shortened(headline, columns - 9), columns - 9) + "  " + clock(seconds))
        let below = [bookstore(reading), tandem(reading)].filter { !$0.isEmpty }
        let start = [head, ""] + list(scenes, at: place)
        let whole = start + told(scenes, at: place, results: 6) + below.flatMap { [""] + $0 }
        if whole.count < lines || lines < 20 { return whole.prefix(lines - 1).map { cut($0) } }
        let short = below.flatMap { [""] + $0.filter { !$0.hasPrefix(Self.spare) } }
        let roomy = start + told(scenes, at: place, results: 3) + short
        if roomy.count < lines { return roomy.map { cut($0) } }
        // Not room enough for everything: of the list where we are, and of the rest what moves.
        let counts = "\(place + 1)/\(scenes.count)"
        let now = place < scenes.count ? strong(" \(mark(place, at: place)) \(counts) \(scenes[place].title)") : ""
        let moving = short.filter { !$0.isEmpty }
        func tight(_ results: Int) -> [String] {
            [head, now] + told(scenes, at: place, results: results).dropFirst() + moving
        }
        // As much of what was found as there is room for, and no less than two.
        let fitting = [6, 4, 3].lazy.map(tight).first { $0.count < lines } ?? tight(2)
        return fitting.prefix(lines - 1).map { cut($0) }
    }

    /// Up to a comma or a blank, where all of it has no room.
    static func shortened(_ text: String, _ width: Int) -> String {
        guard text.count > width else { return text }
        let room = text.prefix(width)
        guard let end = room.lastIndex(of: ",") ?? room.lastIndex(of: " ") else { return String(room) }
        return String(room[..<end])
    }

    /// A line that a small screen can do without begins like this.
    private static let spare = "    "

    private func mark(_ number: Int, at place: Int) -> String {
        number < place ? (isUnicode ? "✓" : "+") : number == place ? (isUnicode ? "▶" : ">") : " "
    }

    private func list(_ scenes: [Scene], at place: Int) -> [String] {
        scenes.enumerated().map { number, scene in
            let line = " \(mark(number, at: place)) \(number + 1) \(scene.title)"
            return number == place ? strong(line) : number < place ? line : faint(line)
        }
    }

    private func told(_ scenes: [Scene], at place: Int, results: Int) -> [String] {
        guard place < scenes.count else { return [] }
        return [""] + Self.wrapped(scenes[place].words, columns - 4).map { "   " + $0 }
            + scenes[place].results.suffix(results).flatMap { Self.result($0, columns) }
    }

    /// Broken between words where it is too long; what is laid out in columns is not touched otherwise.
    static func result(_ text: String, _ columns: Int) -> [String] {
        guard text.count > columns - 3 else { return ["   " + text] }
        return wrapped(text, columns - 5).enumerated().map { ($0 == 0 ? "   " : "     ") + $1 }
    }

    // MARK: the bookstore

    private func bookstore(_ reading: DemoGauge.Reading) -> [String] {
        let board = reading.board
        guard !board.reports.isEmpty else { return [] }
        var all = [strong("the bookstore, as its customers feel it")]
        for (_, report) in board.reports.sorted(by: { $0.key < $1.key }) where !report.isLast {
            let manner = report.mode.map { "mode \($0)" } ?? "changing"
            all.append(
                "   \(report.instance)  \(manner)  " + InstanceLine.figures(report.counts, seconds: report.seconds))
        }
        let served = bars(reading.served)
        if !served.isEmpty { all.append("   served a second  \(served)") }
        if let highest = reading.slowest.compactMap({ $0 }).max() {
            all.append("   p99              \(bars(reading.slowest))  highest \(readable(seconds: highest))")
        }
        all.append("   longest wait     \(readable(seconds: max(board.longestWait, board.waiting)))")
        return all
    }

    // MARK: tandem

    private func tandem(_ reading: DemoGauge.Reading) -> [String] {
        guard reading.lag != nil || reading.copy != nil else { return [] }
        var all = [strong("tandem")]
        if let copy = reading.copy, !copy.isComplete {
            let picture = CopyPicture(columns: columns - 3, lines: 6, isUnicode: isUnicode, isColored: isColored)
            all += picture.lines("copy", copy).map { "   " + $0 }
        } else if let copy = reading.copy {
            all.append("   copy      complete: \(counted(copy.tables, "table")), \(grouped(copy.rows)) rows")
        }
        if let lag = reading.lag {
            var text = (reading.direction == .forward ? "   stream    " : "   back      ") + stateInWords(lag)
            if let worst = lag.report.seconds.worst { text += ", lag \(readable(seconds: worst))" }
            if let status = lag.status {
                let how = status.role == StreamRole.watch.rawValue ? "seen" : "applied"
                text += ", \(grouped(reading.transactions)) transactions \(how)"
            }
            all.append(text)
        } else {
            all.append("   stream    not running")
        }
        all += migration(reading)
        if reading.lags.contains(where: { $0 != nil }) {
            all.append("   lag       " + Sparkline.draw(recent(reading.lags)))
        }
        all += reading.derived.filter { !$0.text.hasPrefix("  ") }.map {
            "   " + fitted($0.label == "data b" ? "data B" : "", 10) + $0.text
        }
        return all
    }

    /// Where it stands, and what became of rows that are written on both sides.
    private func migration(_ reading: DemoGauge.Reading) -> [String] {
        guard let epoch = reading.epoch, let row = epoch.row else { return [] }
        let modes = row.modes.sorted().map { "\($0.rawValue)" }.joined(separator: " and ")
        var all = [
            "   step      \(epoch.step.rawValue): \(epoch.truth.rawValue) counts; forward \(row.forward.rawValue), back"
                + " \(row.reverse.rawValue); \(row.modes.count == 1 ? "mode" : "modes") \(modes) may write"
        ]
        if let counts = TwinTable.total(reading.twins) {
            let parts = [
                "\(grouped(counts.matched)) matched", "\(grouped(counts.late)) late",
                "\(grouped(counts.failed + counts.orphan)) made right",
            ]
            all.append(
                "   twins     " + parts.joined(separator: ", ") + (reading.open.map { "; \(grouped($0)) open" } ?? ""))
        }
        return all
    }

    // MARK: drawing

    private func bars(_ values: [Double?]) -> String { Sparkline.bars(recent(values)) }

    /// As many as leave room for words on both sides of them.
    private func recent(_ values: [Double?]) -> [Double?] { Array(values.suffix(max(10, columns - 36))) }

    private func clock(_ seconds: Double) -> String {
        String(format: "%02d:%02d", Int(seconds) / 60, Int(seconds) % 60)
    }

    private func fitted(_ text: String, _ width: Int) -> String {
        text.count >= width
            ? String(text.prefix(max(0, width))) : text + String(repeating: " ", count: width - text.count)
    }

    static func wrapped(_ text: String, _ width: Int) -> [String] {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let last = lines.last, last.count + word.count < width {
                lines[lines.count - 1] = "\(last) \(word)"
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }

    /// Signs that change the colour take no room.
    private func cut(_ line: String) -> String {
        var (result, room, isSign) = ("", columns, false)
        for character in line {
            if character == "\u{1b}" { isSign = true }
            if !isSign {
                guard room > 0 else { continue }
                room -= 1
            }
            result.append(character)
            if isSign && character == "m" { isSign = false }
        }
        return result
    }

    private func strong(_ text: String) -> String { isColored ? "\u{1b}[1m\(text)\u{1b}[0m" : text }
    private func faint(_ text: String) -> String { isColored ? "\u{1b}[2m\(text)\u{1b}[0m" : text }
}
