// A `tandem` that runs in the background: its output, its signals, its end. The warden ends it if the test process dies.
// Any thread may use it.

internal import Foundation
internal import Glibc

package final class Replicator: Sendable {
    private let child: ChildProcess
    private let stdout: String
    private let stderr: String
    private let name: String

    /// `stem` names the two files its output goes to.
    init(_ command: Command, stem: String) throws {
        name = command.line
        stdout = "\(stem).out"
        stderr = "\(stem).log"
        let nowhere = open("/dev/null", O_RDONLY | O_CLOEXEC)
        let files = [stdout, stderr].map { (path: String) in
            open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        }
        defer { ([nowhere] + files).forEach { close($0) } }
        guard files.allSatisfy({ $0 >= 0 }) else { throw HarnessFailure(.setUp, "cannot write \(stdout)") }
        child = try ChildProcess(command, descriptors: [nowhere] + files)
        if let run = try? RunDirectory.current { run.guardProcess(child.pid) }
    }

    deinit { kill() }

    package var pid: Int32 { child.pid }

    /// nil while it runs.
    package var status: ExitStatus? { child.status }

    package func signal(_ number: Int32) { child.send(number) }

    /// SIGKILL; returns when it is gone.
    package func kill() {
        child.end()
        if let run = try? RunDirectory.current { run.releaseProcess(child.pid) }
    }

    /// SIGSTOP: alive, and silent.
    package func pause() { child.send(SIGSTOP) }

    package func `continue`() { child.send(SIGCONT) }

    /// It stands still, by SIGSTOP.
    package var isStopped: Bool {
        let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        return stat?.split(separator: ")").last?.split(separator: " ").first == "T"
    }

    /// Its end; throws, with the log, when it has not come in time.
    @discardableResult
    package func wait(within limit: Duration = .seconds(150)) throws -> ExitStatus {
        guard let status = child.wait(within: limit) else {
            throw HarnessFailure(.timeLimit, "\(name) still runs after \(limit)\n\(tail)")
        }
        return status
    }

    /// SIGTERM, and its end.
    @discardableResult
    package func stop(within limit: Duration = .seconds(150)) throws -> ExitStatus {
        signal(SIGTERM)
        return try wait(within: limit)
    }

    /// What it wrote to stdout so far.
    package var output: String { (try? String(contentsOfFile: stdout, encoding: .utf8)) ?? "" }

    /// What it wrote to stderr so far.
    package var log: String { (try? String(contentsOfFile: stderr, encoding: .utf8)) ?? "" }

    /// Until the text stands on stdout or stderr. Throws, with the log, when it does not come in time or the process ends
    /// without it.
    package func waitForLog(_ text: String, within limit: Duration = .seconds(150)) throws {
        try wait("\"\(text)\" in its log", within: limit) { log.contains(text) || output.contains(text) }
    }

    /// Peak resident memory in bytes; nil when it has ended.
    package var peakMemory: Int? {
        let status = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        let line = status?.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return line?.split(separator: " ").dropLast().last.flatMap { Int($0) }.map { $0 * 1024 }
    }

    /// Until the condition holds, and no longer than the process lives.
    func wait(_ what: String, within limit: Duration, _ holds: () throws -> Bool) throws {
        let held = try poll(within: limit, every: .milliseconds(10)) { () -> Bool? in
            // The status first: what it wrote before its end still counts.
            let ended = status != nil
            if try holds() { return true }
            return ended ? false : nil
        }
        switch held {
        case true: return
        case false: throw HarnessFailure(.command, "\(name) ended without \(what)\n\(tail)", exitStatus: status)
        default: throw HarnessFailure(.timeLimit, "\(name): no \(what) within \(limit)\n\(tail)")
        }
    }

    /// The end of everything it wrote, for a report.
    package var tail: String {
        let ending = status.map { "it ended with \($0)\n" } ?? ""
        return "\(ending)stdout:\n\(output.suffix(4000))\nstderr:\n\(log.suffix(8000))"
    }
}
