// SIGTERM, SIGINT and SIGHUP ask every thread to end; a second one ends the process at once.

internal import Glibc
internal import Synchronization
internal import Threading

let processStop = StopSignal()
private let asked = Atomic<Int>(0)

func stopOnSignals() {
    signal(SIGPIPE, SIG_IGN)
    for number in [SIGTERM, SIGINT, SIGHUP] {
        signal(number) { number in
            if asked.add(1, ordering: .relaxed).oldValue > 0 && number != SIGHUP { _exit(128 + number) }
            processStop.raise()
        }
    }
}
