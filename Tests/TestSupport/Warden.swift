// A small shell beside the test process that outlives it: it waits for the end of its input, which comes when the test
// process is gone in whatever way, and then ends what the run has left behind and removes the run's directory.
// It ends servers by the pid in their own postmaster.pid, other processes by recorded pid and start time, and checks
// both against /proc first: a number that was reused is left alone.

internal import Glibc
internal import Synchronization

final class Warden: Sendable {
    private let shell: ChildProcess
    private let lifeline: Int32

    init(guarding directory: String, holding lock: FileLock) throws {
        let ends = try connectedDescriptors()
        let nowhere = open("/dev/null", O_RDWR | O_CLOEXEC)
        defer { [ends.theirs, nowhere].forEach { close($0) } }
        lifeline = ends.ours
        shell = try ChildProcess(
            Self.command(directory), descriptors: [ends.theirs, nowhere, nowhere, lock.descriptor], ownSession: true)
        let (shell, lifeline) = (shell, lifeline)
        Self.atExit.withLock { $0 = (shell, lifeline) }
        atexit { Warden.finish() }
    }

    /// Does the work at once, for a directory that nobody guards any more.
    static func clear(_ directory: String) throws { try command(directory).succeed(within: .seconds(60)) }

    private static let atExit = Mutex<(shell: ChildProcess, lifeline: Int32)?>(nil)

    /// On an ordinary exit we wait, so that nothing is left when the run is reported as over.
    private static func finish() {
        guard let (shell, lifeline) = atExit.withLock({ $0 }) else { return }
        close(lifeline)
        _ = shell.wait(within: .seconds(90))
    }

    private static func command(_ directory: String) -> Command {
        Command("/bin/sh", ["-c", script, "tandem-test-warden", directory], directory: "/")
    }

    private static let script = #"""
        trap '' INT TERM HUP QUIT
        while read -r line; do :; done
        run=$1

        running() {
            state=$(sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f1)
            [ -n "$state" ] && [ "$state" != Z ] && [ "$state" != X ]
        }
        started() { sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

        for record in "$run"/processes/*; do
            [ -f "$record" ] || continue
            pid=${record##*/}
            [ "$(started "$pid")" = "$(cat "$record")" ] && kill -KILL "$pid"
        done
        for data in "$run"/*/data; do
            [ -f "$data/postmaster.pid" ] || continue
            pid=$(head -n 1 "$data/postmaster.pid")
            running "$pid" || continue
            [ "$(stat -L -c %d:%i "/proc/$pid/cwd")" = "$(stat -c %d:%i "$data")" ] || continue
            kill -QUIT "$pid"
            for pause in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do
                running "$pid" || break
                sleep 0.2
            done
            running "$pid" && kill -KILL "$pid"
        done
        rm -rf "$run" || { sleep 1; rm -rf "$run"; }
        """#
}
