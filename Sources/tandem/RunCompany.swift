// What is beside the streams of one `tandem run`: its log and who listens to that, the hook for events, what is served over
// HTTP. None of it can hold up a stream or end the run.

internal import Announcements
internal import CommandLine
internal import Configuration
internal import Glibc
internal import HTTP
internal import Model
internal import Stream
internal import Telemetry
internal import Threading

final class RunCompany {
    let log: Log
    private let announcer: Announcer?
    private let observatory: Observatory?
    private var threads: [Thread] = []
    /// Of what looks and serves: it goes on until the last stream has ended.
    private let ending = StopSignal()

    init(_ workspace: Workspace, _ arguments: Parsed) throws {
        let configuration = workspace.configuration
        _ = ProcessFacts.began
        let announcer = Announcer(workspace)
        let tally = LogTally()
        let log = try Self.log(arguments) { event in
            tally.note(event)
            announcer?.hear(event)
        }
        self.log = log
        self.announcer = announcer
        let ending = ending
        observatory = configuration.listen.map { _ in
            Observatory(
                workspace.plans, limit: configuration.limits.walHeld, stop: ending, tally: tally,
                announcer: {
                    announcer.map { announcer in
                        let counts = announcer.counts
                        return EventCounts(
                            delivered: counts.delivered, failed: counts.failed, dropped: counts.dropped)
                    }
                })
        }
        try announcer?.start { failure in
            guard let failure else { return log.info("event hook works again") }
            log.warning("event hook fails", [.reason: withoutControls(failure)])
        }
        if let observatory, let address = configuration.listen { try serve(observatory, address) }
    }

    /// Hears of each pair's runner when it has ended, from that runner's thread.
    var runnerEnded: @Sendable (String, (any Error)?) -> Void {
        let observatory = observatory
        return { pair, failure in observatory?.nowEnded(pair, failure.map { "\($0)" } ?? "as asked") }
    }

    /// The last events are still told, and the last lines written; neither for long.
    func end() {
        ending.raise()
        threads.forEach { $0.join() }
        announcer?.finish(seconds: 10)
        log.finish()
    }

    private func serve(_ observatory: Observatory, _ address: NetworkAddress) throws {
        let log = log
        let server = Server(
            address, stop: ending,
            told: { failure in
                guard let failure else { return log.info("listening", [.detail: address]) }
                log.warning(
                    "not listening", [.detail: address, .reason: failure, .hint: "it is tried again every 5 s"])
            }, answer: { observatory.answer($0) })
        threads = try observatory.begin()
        threads.append(try Thread("http") { server.run() })
    }

    private static func log(
        _ arguments: Parsed, _ listener: @escaping @Sendable (LogEvent) -> Void
    ) throws -> Log {
        let format: LogFormat = arguments.value("log") == "json" ? .json : .logfmt
        let named = arguments.value("log-level").flatMap { name in LogLevel.allCases.first { $0.name == name } }
        let threshold = named ?? (arguments.has("verbose") ? .debug : .info)
        guard let file = arguments.value("log-file") else {
            return Log(format: format, threshold: threshold, listener: listener)
        }
        do { return try Log(file: file, format: format, threshold: threshold, listener: listener) } catch {
            throw UsageError(error.description, hint: "--log-file names a file that tandem may write")
        }
    }
}

extension Announcer {
    /// Nil where the configuration has no `hooks.on_event`.
    convenience init?(_ workspace: Workspace) {
        let configuration = workspace.configuration
        guard let hook = configuration.hooks.onEvent else { return nil }
        var streams: [String: (pair: String, direction: String)] = [:]
        for plan in workspace.plans {
            streams[plan.stream.description] = (plan.pair, "forward")
            streams[plan.opposite.stream.description] = (plan.pair, "reverse")
        }
        self.init(
            path: hook.path, arguments: hook.arguments, patience: configuration.hooks.timeout,
            Announcing(migration: configuration.migration, host: HostName.current, pid: getpid(), streams: streams))
    }
}
