// One program run to its end by the thread that calls: its output in memory, its errors captured, killed with everything
// it started as soon as the stop signal is raised, always reaped. What it prints is not interpreted here.

internal import Glibc
internal import Threading

struct ChildProgram {
    let program: String
    let arguments: [String]
    /// Laid over this process's own.
    var environment: [String: String] = [:]

    struct Outcome {
        let output: [UInt8]
        /// At most `errorLimit` bytes.
        let errors: String
        /// What a shell would show: 128 and the signal for one that was killed.
        let status: Int32
    }

    private static let errorLimit = 1 << 16
    private static let patience = 3.0

    func run(stop: StopSignal) throws(SchemaError) -> Outcome {
        let output = try Pipe(), errors = try Pipe()
        let pid = try spawn(output.write, errors.write)
        output.closeWrite()
        errors.closeWrite()
        var (printed, said): ([UInt8], [UInt8]) = ([], [])
        let ended = Self.collect(output.read, errors.read, stop, &printed, &said)
        if !ended { Self.end(pid) }
        let status = Self.reap(pid)
        guard ended else { throw SchemaError.interrupted }
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

    /// Its whole process group: what is run may be a script.
    private static func end(_ pid: pid_t) {
        kill(-pid, SIGTERM)
        let deadline = Monotonic.now.adding(seconds: patience)
        var information = siginfo_t()
        while Monotonic.now < deadline {
            information.si_signo = 0
            // Left unreaped, so that the group's number stays its own.
            guard waitid(P_PID, id_t(pid), &information, WEXITED | WNOHANG | WNOWAIT) == 0, information.si_signo == 0
            else { break }
            usleep(10_000)
        }
        kill(-pid, SIGKILL)
    }

    private static func reap(_ pid: pid_t) -> Int32 {
        var raw: Int32 = 0
        while waitpid(pid, &raw, 0) < 0 && errno == EINTR {}
        let signal = raw & 0x7f
        return signal == 0 ? (raw >> 8) & 0xff : 128 + signal
    }

    private func spawn(_ output: Int32, _ errors: Int32) throws(SchemaError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, errors, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var (none, all) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP
        posix_spawnattr_setflags(&attributes, Int16(flags))
        let words = ([program] + arguments).map { strdup($0) } + [nil]
        let settings = merged().map { strdup($0) } + [nil]
        defer { (words + settings).forEach { free($0) } }
        var pid: pid_t = 0
        let outcome = posix_spawn(&pid, program, &actions, &attributes, words, settings)
        guard outcome == 0 else {
            throw .failed("cannot run \(program): \(String(cString: strerror(outcome)))", hint: nil)
        }
        return pid
    }

    private func merged() -> [String] {
        var inherited: [String] = []
        var entry = environ
        while let text = entry.pointee.map({ String(cString: $0) }) {
            entry += 1
            let name = String(text.prefix { $0 != "=" })
            if environment[name] == nil { inherited.append(text) }
        }
        return inherited + environment.map { "\($0)=\($1)" }
    }
}

/// Two ends that no other program inherits; the reading one is closed with this.
private final class Pipe {
    let read: Int32
    let write: Int32
    private var isWriteOpen = true

    init() throws(SchemaError) {
        var ends: [Int32] = [0, 0]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
            throw .failed("cannot make a pipe: \(String(cString: strerror(errno)))", hint: nil)
        }
        (read, write) = (ends[0], ends[1])
    }

    func closeWrite() {
        if isWriteOpen { close(write) }
        isWriteOpen = false
    }

    deinit {
        close(read)
        closeWrite()
    }
}
