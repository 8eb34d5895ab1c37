// One test's world: a database of the same unique name on either side, a directory with tandem.yaml, and the tandem
// processes it starts there. `end()` takes all of it away again, also when the test failed half-way:
//
//     let s = try Scenario("toast")
//     defer { s.end() }

internal import Foundation
internal import Synchronization

package final class Scenario: Sendable {
    package let pair: ClusterPair
    /// Of the pair in tandem.yaml, and of both databases.
    package let name: String
    /// Where tandem runs: tandem.yaml, spill files, evidence and captured output.
    package let directory: String
    package let old: Database
    package let new: Database
    private let started = Mutex<[Replicator]>([])
    private let ended = Mutex(false)

    /// `marker` creates `public._marker` on both sides, which `catchUp` uses; it joins `dataA` unless that covers it.
    /// `databaseOptions` are those of CREATE DATABASE, `extra` are further lines of tandem.yaml.
    package init(
        _ title: String, on pair: ClusterPair? = nil, dataA: [String] = ["*.*"], marker: Bool = true,
        databaseOptions: (old: String, new: String) = ("", ""), extra: String = ""
    ) throws {
        let run = try RunDirectory.current
        self.pair = try pair ?? .shared
        name = Self.uniqueName(title, run)
        directory = try run.makeDirectory("s")
        old = self.pair.old[name]
        new = self.pair.new[name]
        do {
            for (cluster, options) in [(self.pair.old, databaseOptions.old), (self.pair.new, databaseOptions.new)] {
                var statements = "CREATE DATABASE \(sqlIdentifier(name)) \(options);"
                if marker {
                    statements += "\n\\connect \(sqlIdentifier(name))\n"
                    statements += "CREATE TABLE public._marker (id bigint PRIMARY KEY)"
                }
                try cluster.sql(statements)
            }
            try writeConfiguration(dataA: dataA, marker: marker, extra: extra)
        } catch {
            end()
            throw error
        }
    }

    deinit { end() }

    /// The same statements on both sides.
    package func both(_ statements: String) throws {
        try old.sql(statements)
        try new.sql(statements)
    }

    /// Runs tandem to its end, in the scenario's directory.
    package func tandem(
        _ arguments: String..., environment: [String: String] = [:], input: String = "",
        within limit: Duration = .seconds(150)
    ) throws -> Outcome {
        try tandem(arguments, environment: environment, input: input, within: limit)
    }

    package func tandem(
        _ arguments: [String], environment: [String: String] = [:], input: String = "",
        within limit: Duration = .seconds(150)
    ) throws -> Outcome {
        let usual = try PostgresInstallation.tandemEnvironment
        return try Command(
            TandemBinary.path, arguments, environment: usual.merging(environment) { $1 }, directory: directory
        ).run(input: input, within: limit)
    }

    /// Starts tandem in the background, in the scenario's directory.
    package func start(_ arguments: String..., environment: [String: String] = [:]) throws -> Replicator {
        let usual = try PostgresInstallation.tandemEnvironment
        return try start(program: TandemBinary.path, arguments, environment: usual.merging(environment) { $1 })
    }

    /// The same for another program: a workload, or a stand-in for tandem.
    package func start(program: String, _ arguments: [String], environment: [String: String] = [:]) throws -> Replicator
    {
        let tool = program.split(separator: "/").last ?? "program"
        let stem = "\(directory)/\(tool)-\(try RunDirectory.current.number())"
        let command = Command(program, arguments, environment: environment, directory: directory)
        let replicator = try Replicator(command, stem: stem)
        started.withLock { $0.append(replicator) }
        return replicator
    }

    /// The one that was started last, whether it still runs or not.
    package var lastStarted: Replicator? { started.withLock { $0.last } }

    /// Ends its processes and removes what it made on the servers and in the file system. Tolerant, and harmless when
    /// repeated.
    package func end() {
        let first = ended.withLock { ended in
            defer { ended = true }
            return !ended
        }
        guard first else { return }
        started.withLock { $0 }.forEach { $0.kill() }
        for side in [old, new] where side.cluster.isRunning { dropEverything(side) }
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// What PostgreSQL allows in a slot's name, short enough for `tandem_t_…_forward`. It ends with a letter, so that none is
    /// the beginning of another: the end of `copykill_3` would take the slot of `copykill_33` with it.
    private static func uniqueName(_ title: String, _ run: RunDirectory) -> String {
        let safe = title.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }
        return String(safe.prefix(28)) + "_\(run.number())x"
    }
}
