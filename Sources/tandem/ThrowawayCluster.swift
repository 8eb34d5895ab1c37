// A PostgreSQL server that lasts as long as the demo: its files below one directory, reachable from this machine only, by a
// socket. As root it runs as the account postgres, because servers refuse root.

internal import Foundation
internal import Glibc
internal import Model
internal import Processes
internal import Threading

struct PostgresPrograms {
    let directory: String

    /// TANDEM_PG_BIN, or the newest of this system.
    static func find(_ named: String?) throws -> PostgresPrograms {
        let environment = ProcessInfo.processInfo.environment
        if let own = named ?? environment["TANDEM_PG_BIN"] {
            guard isComplete(own) else { throw missing("\(mention(own)) has no initdb, pg_ctl and postgres") }
            return PostgresPrograms(directory: own)
        }
        let base = "/usr/lib/postgresql"
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: base)) ?? []).compactMap { Int($0) }
        let path = (environment["PATH"] ?? "").split(separator: ":").map(String.init)
        let all = versions.sorted(by: >).map { "\(base)/\($0)/bin" } + path
        guard let found = all.first(where: isComplete) else {
            throw missing("PostgreSQL's server programs (initdb, pg_ctl, postgres) are not on this machine")
        }
        return PostgresPrograms(directory: found)
    }

    private static func isComplete(_ directory: String) -> Bool {
        ["initdb", "pg_ctl", "postgres"].allSatisfy { access("\(directory)/\($0)", X_OK) == 0 }
    }

    private static func missing(_ what: String) -> DemoError {
        DemoError(
            what, hint: "apt-get install postgresql, or name their directory with --postgres or TANDEM_PG_BIN",
            exitCode: .refused)
    }

    /// Who the servers run as; nil when that is who we are.
    static func account() throws -> (user: uid_t, group: gid_t)? {
        guard getuid() == 0 else { return nil }
        guard let entry = getpwnam("postgres") else {
            throw DemoError(
                "servers refuse to run as root, and there is no account postgres",
                hint: "run the demo as somebody else",
                exitCode: .refused)
        }
        return (entry.pointee.pw_uid, entry.pointee.pw_gid)
    }

    /// Runs one of them to its end. Once begun, `pg_ctl` is not interrupted: it would leave a server behind.
    func run(_ program: String, _ arguments: [String], stop: StopSignal = StopSignal()) throws {
        var (path, words) = ("\(directory)/\(program)", arguments)
        if let account = try Self.account() {
            words = ["--reuid=\(account.user)", "--regid=\(account.group)", "--clear-groups", path] + words
            path = "/usr/bin/setpriv"
        }
        let outcome = try ChildProgram(program: path, arguments: words, environment: ["LC_ALL": "C"]).run(stop: stop)
        guard outcome.status == 0 else {
            let said = outcome.errors.split(whereSeparator: \.isNewline).suffix(3).joined(separator: " ")
            throw DemoError("\(program) ended with \(outcome.status): \(withoutControls(said))")
        }
    }
}

final class ThrowawayCluster {
    let name: String
    let directory: String
    private let programs: PostgresPrograms
    private var isMade = false

    init(_ name: String, in world: String, _ programs: PostgresPrograms) {
        (self.name, self.programs) = (name, programs)
        directory = "\(world)/\(name)"
    }

    func start() throws {
        guard mkdir(directory, 0o755) == 0 else {
            throw DemoError("cannot make \(directory): \(String(cString: strerror(errno)))")
        }
        if let account = try PostgresPrograms.account() { chown(directory, account.user, account.group) }
        try programs.run(
            "initdb",
            ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
            stop: processStop)
        try startAgain()
    }

    func startAgain() throws {
        let settings = [
            ("listen_addresses", "''"), ("unix_socket_directories", "'\(directory)'"), ("wal_level", "logical"),
            ("max_wal_size", "4GB"), ("max_connections", "200"), ("log_min_messages", "fatal"),
        ]
        let options = settings.map { "-c \($0.0)=\($0.1)" }.joined(separator: " ")
        isMade = true
        try programs.run(
            "pg_ctl", ["-D", data, "-l", "\(directory)/server.log", "-w", "-t", "60", "-s", "-o", options, "start"])
    }

    func address(_ database: String) -> String { "host=\(directory) user=postgres dbname=\(database)" }

    /// Whatever state it is in.
    func stop() {
        guard isMade, access("\(data)/postmaster.pid", F_OK) == 0 else { return }
        try? programs.run("pg_ctl", ["-D", data, "-m", "immediate", "-w", "-t", "30", "-s", "stop"])
    }

    private var data: String { "\(directory)/data" }
}

struct DemoError: Explained {
    let description: String
    let hint: String?
    let exitCode: ExitCode

    init(_ description: String, hint: String? = nil, exitCode: ExitCode = .failed) {
        (self.description, self.hint, self.exitCode) = (description, hint, exitCode)
    }
}
