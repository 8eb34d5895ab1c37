// One program that the tests started: spawned with clean signals and only the descriptors given to it, reaped once,
// signalled only while it is certainly still the same process. Any thread may use it.

internal import Glibc
internal import Synchronization

package final class ChildProcess: Sendable {
    package let pid: Int32
    private let ended = Mutex<ExitStatus?>(nil)

    /// `descriptors` become 0, 1, 2, … of the program.
    init(_ command: Command, descriptors: [Int32], ownSession: Bool = false) throws {
        signal(SIGPIPE, SIG_IGN)
        pid = try Self.spawn(command, descriptors, ownSession)
    }

    /// nil while it runs.
    package var status: ExitStatus? {
        ended.withLock { ended in
            if ended != nil { return ended }
            var raw: Int32 = 0
            if waitpid(pid, &raw, WNOHANG) == pid { ended = ExitStatus(waitStatus: raw) }
            return ended
        }
    }

    /// nil when it still runs after that time.
    package func wait(within limit: Duration) -> ExitStatus? {
        var pause = Duration.milliseconds(1)
        return poll(within: limit, every: .zero) {
            if let status { return status }
            rest(pause)
            pause = min(pause * 2, .milliseconds(20))
            return nil
        }
    }

    /// False when it has already ended.
    @discardableResult
    package func send(_ signal: Int32) -> Bool {
        // Under the lock nobody reaps it, so the number cannot belong to another process yet.
        ended.withLock { ended in ended == nil && kill(pid, signal) == 0 }
    }

    /// Ends it with SIGKILL, also when it is stopped, and reaps it.
    package func end() {
        guard status == nil else { return }
        send(SIGKILL)
        _ = wait(within: .seconds(90))
    }

    private static func spawn(_ command: Command, _ descriptors: [Int32], _ ownSession: Bool) throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // First out of the way of each other, then to their places.
        let staged = descriptors.indices.map { Int32(900 + $0) }
        for (from, to) in zip(descriptors, staged) { posix_spawn_file_actions_adddup2(&actions, from, to) }
        for (place, from) in staged.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, from, Int32(place))
            posix_spawn_file_actions_addclose(&actions, from)
        }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        var flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        if ownSession { flags |= 0x80 }  // POSIX_SPAWN_SETSID
        posix_spawnattr_setflags(&attributes, Int16(flags))

        let words = command.words
        let arguments = words.map { strdup($0) } + [nil]
        let environment = command.environment.map { strdup("\($0)=\($1)") } + [nil]
        defer { (arguments + environment).forEach { free($0) } }
        var pid: pid_t = 0
        let outcome = posix_spawnp(&pid, words[0], &actions, &attributes, arguments, environment)
        guard outcome == 0 else {
            throw HarnessFailure(.setUp, "cannot start \(command.program): \(String(cString: strerror(outcome)))")
        }
        return pid
    }
}

/// Two ends of a channel that no other program inherits by accident, as the ends of a pipe could between its creation and
/// the moment they are marked.
func connectedDescriptors() throws -> (ours: Int32, theirs: Int32) {
    var ends: [Int32] = [0, 0]
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
        throw HarnessFailure(.setUp, "socketpair: \(String(cString: strerror(errno)))")
    }
    return (ends[0], ends[1])
}
