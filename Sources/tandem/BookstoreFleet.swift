// The processes of a fleet, and what they say put together. Any thread may ask.

internal import Bookstore
internal import CommandLine
internal import Foundation
internal import Glibc
internal import Model
internal import Processes
internal import Threading

/// The newest report of each instance.
struct FleetBoard: Sendable {
    var reports: [String: InstanceReport] = [:]
    /// Of instances that have ended.
    var ended: [String: InstanceReport] = [:]

    var names: [String] { reports.keys.sorted() }

    /// Of the last second of all.
    var counts: ServiceCounts { Self.sum(reports.values.filter { !$0.isLast }.map(\.counts)) }
    var total: ServiceCounts { Self.sum(ended.values.map(\.counts)) }
    var seconds: Double { (reports.values.map(\.seconds) + ended.values.map(\.seconds)).max() ?? 0 }
    var longestWait: Double { reports.values.map(\.longestWait).max() ?? 0 }
    var waiting: Double { reports.values.map(\.waiting).max() ?? 0 }

    private static func sum(_ all: [ServiceCounts]) -> ServiceCounts {
        all.reduce(into: ServiceCounts()) { $0.add($1) }
    }

    var text: String {
        let modes = reports.sorted { $0.key < $1.key }.map { "\($0.key) \(InstanceLine.manner($0.value))" }
        return modes.joined(separator: ", ") + "  " + InstanceLine.figures(counts, seconds: 1)
            + (waiting > 0.5 ? "  somebody waits \(readable(seconds: waiting))" : "")
            + "  longest wait \(readable(seconds: longestWait))"
    }
}

final class Fleet: Sendable {
    private let directory: ShopDirectory
    private let children = Monitor<[String: Child]>([:])
    private let state = Monitor(FleetBoard())
    private let line: @Sendable (String) -> Void

    init(directory: ShopDirectory, line: @escaping @Sendable (String) -> Void = { _ in }) {
        (self.directory, self.line) = (directory, line)
    }

    var board: FleetBoard { state.withLock { $0 } }
    var isRunning: Bool { children.withLock { $0.values.contains { $0.status == nil } } }

    /// One more instance; addresses go by the environment, because arguments are for everybody to read.
    func start(_ name: String, old: String, new: String?, _ words: [String]) throws {
        var environment = ["TANDEM_BOOKSTORE_OLD": old]
        environment["TANDEM_BOOKSTORE_NEW"] = new ?? ""
        let child = try Child(
            name, program: ownProgram(),
            arguments: ["bookstore", "instance", name, "--json", "--dir", directory.path] + words,
            environment: environment, errors: directory.log(name)
        ) { [state, line] text in
            line(text)
            guard let report = InstanceReport.decode(text) else { return }
            state.withLock { board in
                board.reports[name] = report
                if report.isLast { board.ended[name] = report }
            }
        }
        children.withLock { $0[name] = child }
    }

    func child(_ name: String) -> Child? { children.withLock { $0[name] } }

    /// What those said that have ended by themselves.
    var complaints: [String] {
        children.withLock { $0 }.sorted { $0.key < $1.key }.compactMap { name, child in
            guard let status = child.status, status != 0 else { return nil }
            let said = (try? String(contentsOfFile: directory.log(name), encoding: .utf8)) ?? ""
            let last = said.split(separator: "\n").suffix(2).joined(separator: " ")
            return "\(name) ended with \(status): \(withoutControls(last))"
        }
    }

    /// Asks all at once, and waits for each. The worst of their exit codes.
    @discardableResult
    func end() -> Int32 {
        let all = children.withLock { $0 }
        for child in all.values where child.status == nil { child.terminate() }
        for complaint in complaints { Terminal.note(complaint) }
        let worst = all.values.map { $0.end(patience: 25) }.max() ?? 0
        for child in all.values { child.finish() }
        children.withLock { $0 = [:] }
        return worst
    }

    /// The options of a fleet that its instances get.
    static func words(_ arguments: Parsed) -> [String] {
        let passed = [
            "strategy", "mode", "clients", "rate", "think", "mix", "for", "patience", "lock-timeout",
            "statement-timeout",
            "text", "import-rows", "seed", "fault",
        ]
        return passed.flatMap { name in arguments.value(name).map { ["--\(name)=\($0)"] } ?? [] }
            + ["follow", "undeclared"].filter { arguments.has($0) }.map { "--\($0)" }
    }
}

/// The file this process runs.
func ownProgram() -> String {
    var path = [CChar](repeating: 0, count: Int(PATH_MAX))
    let length = readlink("/proc/self/exe", &path, path.count - 1)
    return length > 0
        ? String(decoding: path.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self) : "/proc/self/exe"
}
