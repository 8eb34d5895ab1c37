// A command line with its environment, and running it to its end. Output goes to unnamed files, never to pipes, so
// neither side can block the other.

internal import Glibc

package struct Outcome: Sendable {
    package let status: ExitStatus
    package let stdout: String
    package let stderr: String

    package var exitCode: Int32 { status.code }
}

package struct Command: Sendable {
    package var program: String
    package var arguments: [String]
    package var environment: [String: String]
    package var directory: String?

    /// `environment` is laid over what this process has, without what would change PostgreSQL's or tandem's behaviour.
    package init(
        _ program: String, _ arguments: [String] = [], environment: [String: String] = [:], directory: String? = nil
    ) {
        self.program = program
        self.arguments = arguments
        self.environment = Self.cleanEnvironment.merging(environment) { $1 }
        self.directory = directory
    }

    package func run(input: String = "", within limit: Duration = .seconds(120)) throws -> Outcome {
        let streams = try (0..<3).map { _ in try ScratchFile() }
        try streams[0].fill(input)
        let child = try ChildProcess(self, descriptors: streams.map(\.descriptor))
        guard let status = child.wait(within: min(limit, Self.brief)) ?? guarded(child, within: limit - Self.brief)
        else {
            child.end()
            throw HarnessFailure(
                .timeLimit,
                "\(line) did not end within \(limit)\nstdout:\n\(streams[1].text)\nstderr:\n\(streams[2].text)")
        }
        return Outcome(status: status, stdout: streams[1].text, stderr: streams[2].text)
    }

    /// Most end sooner.
    private static let brief = Duration.milliseconds(200)

    /// The warden ends it when this process dies first.
    private func guarded(_ child: ChildProcess, within limit: Duration) -> ExitStatus? {
        let run = RunDirectory.made
        run?.guardProcess(child.pid)
        defer { run?.releaseProcess(child.pid) }
        return child.wait(within: limit)
    }

    /// Throws unless it exits with 0; returns its stdout.
    @discardableResult
    package func succeed(input: String = "", within limit: Duration = .seconds(120)) throws -> String {
        let outcome = try run(input: input, within: limit)
        guard outcome.status == .exited(0) else {
            throw HarnessFailure(
                .command, "\(line): \(outcome.status)\n\(outcome.stdout)\n\(outcome.stderr)", exitStatus: outcome.status
            )
        }
        return outcome.stdout
    }

    /// `env` replaces itself by the program, so the process keeps its number.
    var words: [String] {
        let prefix = if let directory { ["env", "-C", directory] } else { [String]() }
        return prefix + [program] + arguments
    }

    var line: String { ([program] + arguments).joined(separator: " ") }

    private static let cleanEnvironment: [String: String] = {
        var result = currentEnvironment().filter { name, _ in
            !name.hasPrefix("PG") && !name.hasPrefix("TANDEM_") && !name.hasPrefix("LC_")
        }
        result["LANG"] = "C.UTF-8"
        result["TZ"] = nil
        return result
    }()
}

package func environmentVariable(_ name: String) -> String? {
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return String(cString: value)
}

private func currentEnvironment() -> [String: String] {
    var result: [String: String] = [:]
    var next = environ
    while let entry = next.pointee {
        let parts = String(cString: entry).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2 { result[String(parts[0])] = String(parts[1]) }
        next += 1
    }
    return result
}
