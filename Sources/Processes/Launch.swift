// How a program is started and ended: its own process group, no signal blocked or ignored, nothing to read and no descriptor
// but what it is given, always reaped.

internal import Glibc
internal import Threading

struct Launch: Sendable {
    let program: String
    let arguments: [String]
    /// Laid over this process's own.
    let environment: [String: String]

    func spawn(input: Int32? = nil, output: Int32, errors: Int32) throws(ProcessError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
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
            throw .cannotRun("cannot run \(program): \(String(cString: strerror(outcome)))")
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

    // MARK: the end

    /// Its whole process group: what is run may be a script. It is not reaped here.
    static func end(_ pid: pid_t, patience: Double) {
        kill(-pid, SIGTERM)
        let deadline = Monotonic.now.adding(seconds: patience)
        while Monotonic.now < deadline, isRunning(pid) { usleep(10_000) }
        kill(-pid, SIGKILL)
    }

    /// Left unreaped, so that the group's number stays its own.
    static func isRunning(_ pid: pid_t) -> Bool {
        var information = siginfo_t()
        information.si_signo = 0
        return waitid(P_PID, id_t(pid), &information, WEXITED | WNOHANG | WNOWAIT) == 0 && information.si_signo == 0
    }

    /// Waits for it. What a shell would show: 128 and the signal for one that was killed.
    static func reap(_ pid: pid_t) -> Int32 {
        var raw: Int32 = 0
        while waitpid(pid, &raw, 0) < 0 && errno == EINTR {}
        let signal = raw & 0x7f
        return signal == 0 ? (raw >> 8) & 0xff : 128 + signal
    }
}
