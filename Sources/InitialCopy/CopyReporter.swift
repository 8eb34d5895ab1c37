// How the copy goes, put together from the board: for whoever asks on new, for a terminal, and as plain lines. Keeps the
// speeds; asks nobody. Used by the copy's own thread.

internal import Foundation
internal import Model
internal import State
internal import Telemetry
internal import Threading

struct CopyReporter {
    /// Tables shown by name.
    private static let most = 20
    private static let seconds = 5.0

    private let limit: Double
    private let log: Log
    private let began = Date()
    private var speed = Tachometer()
    private var sizeSpeed = Tachometer()
    private var speeds: [UInt32: Tachometer] = [:]
    private var nextLine = Monotonic.now.adding(seconds: CopyReporter.seconds)
    /// Snapshots of which it was said that they are held for too long, by when they were taken.
    private var said: [UInt32: Monotonic] = [:]

    /// `limit`: seconds for which a snapshot should be held.
    init(limit: Double, log: Log) {
        self.limit = limit
        self.log = log
    }

    mutating func progress(of entries: [CopyBoard.Entry], _ builds: [CopyProgress.Build]) -> CopyProgress {
        var progress = CopyProgress()
        progress.began = began
        progress.tables = entries.count
        progress.builds = builds
        for entry in entries {
            progress.rows += entry.rows
            progress.bytes += entry.bytes
            progress.size += entry.size
            progress.sizeDone += Int(Double(entry.size) * entry.share)
            if entry.phase == .done { progress.done += 1 }
        }
        progress.rate = speed.note(progress.bytes)
        progress.secondsLeft = Self.left(progress.size - progress.sizeDone, at: sizeSpeed.note(progress.sizeDone))
        progress.snapshotAge = entries.compactMap(\.attempt).map(\.began.age).max()
        progress.active = active(entries)
        return progress
    }

    private mutating func active(_ entries: [CopyBoard.Entry]) -> [CopyProgress.Table] {
        let shown = entries.filter { $0.phase == .copying || $0.phase == .finishing || $0.problem != nil }
            .sorted { ($0.rank, $0.name) < ($1.rank, $1.name) }.prefix(Self.most)
        let known = Set(shown.map(\.oid))
        speeds = speeds.filter { known.contains($0.key) }
        said = said.filter { known.contains($0.key) }
        return shown.map { entry in
            let rate = entry.phase == .copying ? speeds[entry.oid, default: Tachometer()].note(entry.bytes) : nil
            let age = entry.attempt?.began.age
            var table = CopyProgress.Table(
                table: entry.name.description, phase: entry.phase.rawValue, rows: entry.rows,
                expectedRows: entry.expectedRows, bytes: entry.bytes, size: entry.size, share: entry.share, rate: rate,
                snapshotAge: age, problem: entry.problem?.message, hint: entry.problem?.hint)
            if let rate, entry.share > 0.01 {
                table.secondsLeft = Self.left(Int(Double(entry.bytes) * (1 / entry.share - 1)), at: rate)
            }
            if let attempt = entry.attempt, let age, age > limit { table.overdue = overdue(entry, attempt) }
            return table
        }
    }

    private static func left(_ amount: Int, at pace: Double?) -> Double? {
        pace.flatMap { $0 > 0 ? Double(max(0, amount)) / $0 : nil }
    }

    /// What cannot be copied in several snapshots is not let go of: it would begin again.
    private mutating func overdue(_ entry: CopyBoard.Entry, _ attempt: CopyAttempt) -> String? {
        guard let reason = attempt.indivisible else { return nil }
        if said[entry.oid] != attempt.began {
            said[entry.oid] = attempt.began
            log.warning(
                "snapshot held longer than limits.snapshot",
                [.relation: entry.name, .seconds: Int(attempt.began.age), .reason: reason])
        }
        return reason
    }

    // MARK: lines

    /// One every few seconds, while nobody sees it on a terminal.
    mutating func line(_ progress: CopyProgress) {
        guard !progress.isComplete, nextLine <= Monotonic.now else { return }
        nextLine = Monotonic.now.adding(seconds: Self.seconds)
        let active =
            progress.active.filter { $0.problem == nil && $0.phase == "copying" }.map(Self.words)
            + progress.builds.filter { $0.seconds > 1 }.map(Self.words)
        log.info(
            "copying",
            [
                .count: "\(progress.done)/\(progress.tables)", .rows: progress.rows, .bytes: progress.bytes,
                .detail: Self.words(
                    progress.size == 0 ? 1 : Double(progress.sizeDone) / Double(progress.size), progress.rate,
                    progress.secondsLeft),
                .active: active.joined(separator: "; "),
            ])
    }

    private static func words(_ table: CopyProgress.Table) -> String {
        "\(table.table) \(table.rows) rows, " + words(table.share, table.rate, table.secondsLeft)
    }

    private static func words(_ build: CopyProgress.Build) -> String {
        "\(build.object)" + (build.phase.map { ", \($0)" } ?? "") + (build.share.map { " \(Int($0 * 100)) %" } ?? "")
            + ", \(Int(build.seconds)) s"
    }

    private static func words(_ share: Double, _ rate: Double?, _ left: Double?) -> String {
        "\(Int(share * 100)) %" + (rate.map { ", \(Int($0 / 1024)) kB/s" } ?? "")
            + (left.map { ", \(Int($0)) s left" } ?? "")
    }
}

extension CopyBoard.Entry {
    /// Of its rows, 0 to 1: by their number where old knows it and they are of one size, more or less.
    fileprivate var share: Double {
        switch phase {
        case .done, .copied, .finishing: return 1
        case .again: return 0
        case .waiting, .copying: break
        }
        let ofBytes = size > 0 ? min(0.99, Double(bytes) / Double(size)) : 0
        guard let expectedRows, expectedRows > 0 else { return ofBytes }
        return min(0.99, Double(rows) / Double(expectedRows), isMostlyAside ? ofBytes : 1)
    }

    /// Problems first.
    fileprivate var rank: Int { problem != nil ? 0 : phase == .copying ? 1 : 2 }
}
