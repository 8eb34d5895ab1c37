// One program run to its end by the thread that calls: its output in memory, its errors captured, killed with everything
// it started as soon as the stop signal is raised, always reaped. What it prints is not interpreted here.

internal import Glibc
package import Threading

package struct ChildProgram: Sendable {
    private let launch: Launch

    /// The environment is laid over this process's own.
    package init(program: String, arguments: [String], environment: [String: String] = [:]) {
        launch = Launch(program: program, arguments: arguments, environment: environment)
    }

    package struct Outcome: Sendable {
        package let output: [UInt8]
        /// At most `errorLimit` bytes.
        package let errors: String
        /// What a shell would show: 128 and the signal for one that was killed.
        package let status: Int32
    }

    private static let errorLimit = 1 << 16
    private static let patience = 3.0

    package func run(stop: StopSignal) throws(ProcessError) -> Outcome {
        let output = try Pipe(), errors = try Pipe()
        let pid = try launch.spawn(output: output.write, errors: errors.write)
        output.closeWrite()
        errors.closeWrite()
        var (printed, said): ([UInt8], [UInt8]) = ([], [])
        let ended = Self.collect(output.read, errors.read, stop, &printed, &said)
        if !ended { Launch.end(pid, patience: Self.patience) }
        let status = Launch.reap(pid)
        guard ended else { throw .interrupted }
        return Outcome(output: printed, errors: String(decoding: said, as: UTF8.self), status: status)
    }

    /// Until both ends are closed; false when asked to stop before.
    private static func collect(
        _ output: Int32, _ errors: Int32, _ stop: StopSignal, _ printed: inout [UInt8], _ said: inout [UInt8]
    ) -> Bool {
        var open = [output, errors]
        while !open.isEmpty {
            let ready = Poll.wait(for: [.readable(stop.descriptor)] + open.map { .readable($0) }, until: nil)
            if ready.contains(0) { return false }
            for descriptor in ready.map({ open[$0 - 1] }) {
                let more =
                    descriptor == output
                    ? read(descriptor, into: &printed, limit: .max) : read(descriptor, into: &said, limit: errorLimit)
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
