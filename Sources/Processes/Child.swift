// A program that goes on beside this process until it is ended: its output line by line to whoever wants it, its errors into a
// file. Ended with everything it started when the last reference goes. Any thread may call.

internal import Foundation
internal import Glibc
internal import Threading

package final class Child: @unchecked Sendable {  // `state` is behind a lock, all else is written once
    private struct State {
        var status: Int32?
        var isReaped = false
        var isAsked = false
        var reader: Threading.Thread?
    }

    package let pid: Int32
    package let name: String
    private let pipe: Pipe
    private let state = Monitor(State())

    /// `lines` is called on a thread of this child's own.
    package init(
        _ name: String, program: String, arguments: [String], environment: [String: String] = [:], errors path: String,
        lines: @escaping @Sendable (String) -> Void = { _ in }
    ) throws {
        self.name = name
        pipe = try Pipe()
        let errors = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard errors >= 0 else {
            throw ProcessError.cannotRun("cannot write \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(errors) }
        pid = try Launch(program: program, arguments: arguments, environment: environment)
            .spawn(output: pipe.write, errors: errors)
        pipe.closeWrite()
        let descriptor = dup(pipe.read)
        let reader = try Threading.Thread(name) { Self.read(descriptor, lines) }
        state.withLock { $0.reader = reader }
    }

    deinit {
        end(patience: 0.5)
        finish()
    }

    /// After its end: its last line has been handed over when this returns.
    package func finish() {
        let reader = state.withLock { state in
            defer { state.reader = nil }
            return state.reader
        }
        reader?.join()
    }

    private static func read(_ descriptor: Int32, _ lines: (String) -> Void) {
        defer { close(descriptor) }
        var (rest, part) = ([UInt8](), [UInt8](repeating: 0, count: 1 << 16))
        while true {
            let count = Glibc.read(descriptor, &part, part.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            rest += part.prefix(count)
            while let end = rest.firstIndex(of: 10) {
                lines(String(decoding: rest[..<end], as: UTF8.self))
                rest.removeSubrange(...end)
            }
        }
    }

    /// How it ended, as a shell would show it; nil while it runs.
    package var status: Int32? {
        state.withLock { state in
            if state.status == nil, !Launch.isRunning(pid) {
                state.status = Launch.reap(pid)
                state.isReaped = true
            }
            return state.status
        }
    }

    /// Nothing happens to one that has ended: its number may be another's by now.
    package func send(_ signal: Int32) { state.withLock { if !$0.isReaped { _ = kill(pid, signal) } } }

    /// Asks it to end, once: being asked again ends some at once, with what they are at.
    package func terminate() {
        state.withLock { state in
            if !state.isReaped && !state.isAsked { _ = kill(pid, SIGTERM) }
            state.isAsked = true
        }
    }
    /// As a power cut would end it.
    package func kill9() { send(SIGKILL) }

    /// Nil when it still runs then.
    package func wait(seconds: Double) -> Int32? {
        let deadline = Monotonic.now.adding(seconds: seconds)
        while true {
            if let status { return status }
            if Monotonic.now >= deadline { return nil }
            usleep(10_000)
        }
    }

    /// Asked first, with everything it started killed when that is not enough.
    @discardableResult
    package func end(patience: Double = 10) -> Int32 {
        if let status { return status }
        terminate()
        if let status = wait(seconds: patience) { return status }
        state.withLock { if !$0.isReaped { _ = kill(-pid, SIGKILL) } }
        return wait(seconds: 10) ?? 137
    }
}
