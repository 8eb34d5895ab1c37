// Starting, stopping and crashing a cluster.

internal import Foundation
internal import Glibc

extension Cluster {
    package enum StopMode: String, Sendable {
        case smart, fast, immediate
    }

    /// Returns when it accepts connections.
    package func start() throws {
        let arguments = ["-D", dataDirectory, "-l", "\(directory)/server.log", "-w", "-t", "120", "-s", "start"]
        let outcome = try installation.server("pg_ctl", arguments).run()
        guard outcome.status == .exited(0) else {
            throw HarnessFailure(
                .setUp, "cluster \(name) does not start: \(outcome.stderr)\n\(log.suffix(4000))",
                exitStatus: outcome.status)
        }
    }

    /// Returns when it is down. Does nothing when it does not run.
    package func stop(_ mode: StopMode = .fast) throws {
        guard isRunning else { return }
        try installation.server("pg_ctl", ["-D", dataDirectory, "-m", mode.rawValue, "-w", "-t", "120", "-s", "stop"])
            .succeed()
    }

    package func restart(_ mode: StopMode = .fast) throws {
        try stop(mode)
        try start()
    }

    package func reload() throws {
        try installation.server("pg_ctl", ["-D", dataDirectory, "-s", "reload"]).succeed()
    }

    /// As if the power failed: SIGKILL for the postmaster and for every one of its processes, and their memory is gone.
    package func kill() {
        guard let postmaster else { return }
        let all = [postmaster] + postmaster.children
        let segments = all.reduce(into: Set()) { $0.formUnion($1.sharedSegments) }
        defer { for segment in segments { unlink(segment) } }
        all.forEach { $0.send(SIGKILL) }
        _ = poll(within: .seconds(90), every: .milliseconds(5)) { all.contains { $0.isAlive } ? nil : true }
        // Until the system's first process has reaped its zombie, it would look alive to the next postmaster.
        let socket = "\(socketDirectory)/.s.PGSQL.\(port)"
        for file in ["\(dataDirectory)/postmaster.pid", "\(socket).lock", socket] { unlink(file) }
    }

    package var isRunning: Bool { postmaster != nil }

    /// Of the postmaster; nil when it does not run.
    package var pid: Int32? { postmaster?.pid }

    private var postmaster: LiveProcess? {
        guard let file = try? String(contentsOfFile: "\(dataDirectory)/postmaster.pid", encoding: .utf8),
            let pid = file.split(separator: "\n").first.flatMap({ Int32($0) }),
            let process = LiveProcess(pid), process.worksIn(dataDirectory)
        else { return nil }
        return process
    }
}
