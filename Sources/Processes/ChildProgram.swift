// One program run to its end by the thread that calls: its output in memory, its errors captured, killed with everything
// it started as soon as the stop signal is raised, always reaped. What it prints is not interpreted here.

internal import CLinux
internal import Glibc
internal import Model
package import Threading

package struct ChildProgram: Sendable {
    private let launch: Launch
    private let input: [UInt8]?
    private let outputLimit: Int

    /// The environment is laid over this process's own. Without `input` there is nothing to read; of what it prints, what is
    /// beyond the limit is thrown away.
    package init(
        program: String, arguments: [String], environment: [String: String] = [:], input: [UInt8]? = nil,
        outputLimit: Int = .max
    ) {
        launch = Launch(program: program, arguments: arguments, environment: environment)
        self.input = input
        self.outputLimit = outputLimit
    }

    package struct Outcome: Sendable {
        package let output: [UInt8]
        /// At most `errorLimit` bytes.
        package let errors: String
        /// What a shell would show: 128 and the signal for one that was killed.
        package let status: Int32

        /// Of all it said the last three lines, on one.
        package var lastWords: String {
            let said = [String(decoding: output, as: UTF8.self), errors].flatMap {
                $0.split(whereSeparator: \.isNewline)
            }
            return String(said.suffix(3).map { withoutControls(String($0)) }.joined(separator: "; ").prefix(400))
        }
    }

    private static let errorLimit = 1 << 16
    private static let patience = 3.0

    package func run(stop: StopSignal, within seconds: Double? = nil) throws(ProcessError) -> Outcome {
        let output = try Pipe(), errors = try Pipe()
        let given = try input.map { bytes throws(ProcessError) in try Self.file(of: bytes) }
        defer { if let given { close(given) } }
        let pid = try launch.spawn(input: given, output: output.write, errors: errors.write)
        output.closeWrite()
        errors.closeWrite()
        var (printed, said): ([UInt8], [UInt8]) = ([], [])
        let deadline = seconds.map { Monotonic.now.adding(seconds: $0) }
        let ended = collect(output.read, errors.read, stop, deadline, &printed, &said)
        if !ended { Launch.end(pid, patience: Self.patience) }
        let status = Launch.reap(pid)
        guard ended else {
            if let seconds, !stop.isRaised { throw .late(seconds: seconds) }
            throw .interrupted
        }
        return Outcome(output: printed, errors: String(decoding: said, as: UTF8.self), status: status)
    }

    /// In memory, and read from its beginning: a program that reads none of it keeps nobody waiting.
    private static func file(of bytes: [UInt8]) throws(ProcessError) -> Int32 {
        let descriptor = memfd_create("input", 1)
        guard descriptor >= 0 else { throw .cannotRun("no memory for input: \(String(cString: strerror(errno)))") }
        let count = bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        guard count == bytes.count else {
            close(descriptor)
            throw .cannotRun("no memory for input")
        }
        return descriptor
    }

    /// Until both ends are closed; false when asked to stop before, or when time is up.
    private func collect(
        _ output: Int32, _ errors: Int32, _ stop: StopSignal, _ deadline: Monotonic?, _ printed: inout [UInt8],
        _ said: inout [UInt8]
    ) -> Bool {
        var open = [output, errors]
        while !open.isEmpty {
            let ready = Poll.wait(for: [.readable(stop.descriptor)] + open.map { .readable($0) }, until: deadline)
            if ready.contains(0) || ready.isEmpty { return false }
            for descriptor in ready.map({ open[$0 - 1] }) {
                let more =
                    descriptor == output
                    ? Self.read(descriptor, into: &printed, limit: outputLimit)
                    : Self.read(descriptor, into: &said, limit: Self.errorLimit)
                if !more { open.removeAll { $0 == descriptor } }
            }
        }
        return true
    }

    /// False at its end.
    private static func read(_ descriptor: Int32, into bytes: inout [UInt8], limit: Int) -> Bool {
        var part = [UInt8](repeating: 0, count: 1 << 16)
        let count = Glibc.read(descriptor, &part, part.count)
        if count > 0 { bytes += part.prefix(min(count, max(0, limit - bytes.count))) }
        return count > 0 || count < 0 && errno == EINTR
    }
}
