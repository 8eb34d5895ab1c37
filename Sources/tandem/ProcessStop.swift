// The process itself: SIGTERM, SIGINT and SIGHUP ask every thread to end; a second one ends it at once. Its limits are set
// here, once.

internal import Glibc
internal import Synchronization
internal import Threading

let processStop = StopSignal()
private let asked = Atomic<Int>(0)

func stopOnSignals() {
    signal(SIGPIPE, SIG_IGN)
    // A file that may not grow is an error like a full disk.
    signal(SIGXFSZ, SIG_IGN)
    for number in [SIGTERM, SIGINT, SIGHUP] {
        signal(number) { number in
            if asked.add(1, ordering: .relaxed).oldValue > 0 && number != SIGHUP { _exit(128 + number) }
            processStop.raise()
        }
    }
}

/// For who has to clean up first: a second signal changes nothing.
func stopOnceOnly() {
    for number in [SIGTERM, SIGINT, SIGHUP] { signal(number) { _ in processStop.raise() } }
}

/// Passwords and rows stand in memory: none of it is to be left in a file.
func leaveNoCore() {
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
}

/// Spill files are open files, one for each large transaction: as many as the system allows, not as many as a shell does.
func raiseOpenFiles() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}
