// What an instance's main thread does beside its clerks: reads the control file when it changed, tells each second how it
// goes, keeps the state file that others read.

internal import Foundation
internal import Glibc
internal import Ledger
internal import Threading

final class Watch: @unchecked Sendable {  // what changes is touched by the main thread alone, or is behind a lock
    let control: InstanceControl
    let meter = Meter()
    let pace: Pace
    /// Tells one run of an instance from the next.
    let run: String
    let began = Monotonic.now
    private let plan: InstancePlan
    private let directory: ShopDirectory
    private let ledger: LedgerFile
    private let present = Monitor(0)
    private var seen = ""
    private var told: InstanceMode?
    private var lastReport = Monotonic.now

    init(_ plan: InstancePlan, _ directory: ShopDirectory, _ ledger: LedgerFile) {
        (self.plan, self.directory, self.ledger) = (plan, directory, ledger)
        control = InstanceControl(plan)
        pace = Pace(plan.rate)
        run = String(UInt64(Date().timeIntervalSince1970 * 1000), radix: 36)
    }

    func begin() throws {
        try ledger.append(.started(instance: plan.name, run: run, at: Monotonic.now.nanoseconds))
        let start = Instructions(
            mode: plan.mode, address: plan.mode == .newOnly ? .new : .old, rate: plan.rate)
        try directory.replace(directory.control(plan.name), with: start.text)
        seen = Self.mark(directory.control(plan.name))
    }

    // MARK: clerks

    func arrive() { present.change { $0 += 1 } }
    func depart() { present.change { $0 -= 1 } }
    func waitForClerks(seconds: Double) { _ = present.wait(seconds: seconds) { $0 == 0 ? true : nil } }

    // MARK: looking around

    func look(report: (InstanceReport) -> Void, note: (String) -> Void) throws {
        obey(note)
        let mode = control.settled
        if let mode, mode != told {
            told = mode
            try ledger.append(.mode(mode.rawValue, at: Monotonic.now.nanoseconds))
            try keep(state(meter.total.counts, isLast: false))
        }
        guard lastReport.age >= 1 else { return }
        let seconds = lastReport.age
        lastReport = .now
        let (counts, waiting) = meter.take()
        var second = state(counts, isLast: false)
        (second.waiting, second.seconds) = (waiting, seconds)
        report(second)
        try keep(second)
    }

    private func obey(_ note: (String) -> Void) {
        let mark = Self.mark(directory.control(plan.name))
        guard mark != seen else { return }
        seen = mark
        guard let text = try? String(contentsOfFile: directory.control(plan.name), encoding: .utf8) else { return }
        do {
            let instructions = try Instructions(text: text)
            if let mode = instructions.mode, mode.writesNew, plan.new == nil {
                throw BookstoreError("mode \(mode.rawValue) needs `--new CONN`")
            }
            if instructions.address == .new, plan.new == nil {
                throw BookstoreError("there is one address only: the instance was started without `--new CONN`")
            }
            control.obey(instructions)
            if let rate = instructions.rate, rate != pace.rate { pace.change(rate) }
        } catch { note("\(plan.name): \(error)") }
    }

    /// Changes whenever the file does.
    private static func mark(_ path: String) -> String {
        var status = stat()
        guard stat(path, &status) == 0 else { return "" }
        return "\(status.st_ino) \(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
    }

    func end(report: (InstanceReport) -> Void) throws -> ServiceCounts {
        let (counts, _) = meter.total
        var last = state(counts, isLast: true)
        last.seconds = began.age
        report(last)
        try? FileManager.default.removeItem(atPath: directory.state(plan.name))
        return counts
    }

    private func state(_ counts: ServiceCounts, isLast: Bool) -> InstanceReport {
        let total = meter.total
        return InstanceReport(
            at: Date(), instance: plan.name, pid: getpid(), strategy: plan.strategy.rawValue,
            mode: control.settled?.rawValue, address: control.address.rawValue, rate: pace.rate, counts: counts,
            p50: counts.latencies.percentile(0.5), p95: counts.latencies.percentile(0.95),
            p99: counts.latencies.percentile(0.99), longest: counts.latencies.longest, waiting: total.waiting,
            longestWait: max(total.counts.latencies.longest, total.waiting), seconds: began.age, isLast: isLast)
    }

    private func keep(_ report: InstanceReport) throws {
        try directory.replace(
            directory.state(plan.name), with: String(decoding: try Self.encoder.encode(report), as: UTF8.self))
    }

    private static let encoder: JSONEncoder = {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.dateEncodingStrategy = .iso8601
        return encoder
    }()
}

extension InstanceReport {
    /// One line of `--json`, or a state file.
    package static func decode(_ text: some StringProtocol) -> InstanceReport? {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        decoder.dateDecodingStrategy = .iso8601
        return try? decoder.decode(InstanceReport.self, from: Data(text.utf8))
    }
}
