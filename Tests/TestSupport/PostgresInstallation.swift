// Where PostgreSQL's programs of one version are, and the one place that says how a server program is run: as root it
// drops to the account `postgres`, because servers refuse root; inside another root directory it goes there first.

internal import Foundation
internal import Glibc

package struct PostgresInstallation: Sendable, Hashable {
    package let bindir: String
    /// 15, 18, …
    package let major: Int
    /// What `postgres --version` says: two builds do not share a template.
    package let version: String
    /// A directory to `chroot` into for server programs, for a version that this system does not carry. The test root must
    /// be bind-mounted in it at the same path, and it needs root.
    package let chroot: String?

    package init(bindir: String, chroot: String? = nil) throws {
        self.bindir = bindir
        self.chroot = chroot
        let asked = Self.serverCommand("\(bindir)/postgres", ["--version"], chroot: chroot)
        version = try asked.succeed().trimmingNewlines
        // "postgres (PostgreSQL) 15.4 (Debian …)", "18beta1"
        let number = version.drop { !$0.isNumber }.prefix { $0.isNumber }
        guard let major = Int(number) else { throw HarnessFailure(.setUp, "no version in \"\(version)\"") }
        self.major = major
    }

    /// `TANDEM_PG_BIN`, or the highest version under /usr/lib/postgresql.
    package static var newest: PostgresInstallation { get throws { try standard.get() } }

    /// Every version under /usr/lib/postgresql, the highest first.
    package static var installed: [PostgresInstallation] {
        get throws {
            let base = "/usr/lib/postgresql"
            let names = (try? FileManager.default.contentsOfDirectory(atPath: base)) ?? []
            return try names.compactMap { Int($0) }.sorted(by: >).map { "\(base)/\($0)/bin" }
                .filter { access("\($0)/initdb", X_OK) == 0 }.map { try PostgresInstallation(bindir: $0) }
        }
    }

    /// One of this system, or one that `scripts/postgres-release.sh` made usable.
    package static func major(_ wanted: Int) throws -> PostgresInstallation? {
        if let here = try ([newest] + installed).first(where: { $0.major == wanted }) { return here }
        guard let roots = environmentVariable("TANDEM_PG_ROOTS") else { return nil }
        let chroot = "\(roots)/\(wanted)"
        let bindir = "/usr/lib/postgresql/\(wanted)/bin"
        guard access("\(chroot)\(bindir)/postgres", X_OK) == 0 else { return nil }
        return try PostgresInstallation(bindir: bindir, chroot: chroot)
    }

    /// The version a side of every pair runs, when the matrix asks for one: `TANDEM_TEST_OLD`, `TANDEM_TEST_NEW`.
    static func asked(for side: String) throws -> PostgresInstallation? {
        guard let text = environmentVariable(side) else { return nil }
        guard let wanted = Int(text), let found = try major(wanted) else {
            throw HarnessFailure(.setUp, "\(side)=\(text), but there is no such PostgreSQL: see make test-matrix")
        }
        return found
    }

    /// The major version of either side of the shared pair.
    package static var tested: (old: Int, new: Int) {
        func major(_ side: String) -> Int { (try? asked(for: side) ?? newest)?.major ?? 0 }
        return (major("TANDEM_TEST_OLD"), major("TANDEM_TEST_NEW"))
    }

    private static let standard = Result<PostgresInstallation, any Error> {
        if let bindir = environmentVariable("TANDEM_PG_BIN") { return try PostgresInstallation(bindir: bindir) }
        guard let highest = try installed.first else {
            throw HarnessFailure(
                .setUp, "no PostgreSQL server under /usr/lib/postgresql: run 'make deps' or set TANDEM_PG_BIN")
        }
        return highest
    }
}

extension PostgresInstallation {
    /// psql, pg_dump, …: clients run as we are, from this system. A chroot's clients are not used.
    package func client(_ program: String) throws -> String {
        chroot == nil ? "\(bindir)/\(program)" : "\(try Self.newest.bindir)/\(program)"
    }

    /// What tandem gets in its environment. When a tested server is newer than this system's programs, a pg_dump that enters
    /// that server's directory first; it reaches sockets there under the same paths.
    package static var tandemEnvironment: [String: String] { get throws { try tools.get() } }

    private static let tools = Result<[String: String], any Error> {
        let wanted = max(tested.old, tested.new)
        let silent = environmentVariable("TANDEM_SILENT_CHECK").map { ["TANDEM_SILENT_CHECK": $0] } ?? [:]
        guard wanted > (try newest.major), let installation = try major(wanted), let chroot = installation.chroot else {
            return silent
        }
        let directory = try RunDirectory.current.makeDirectory("tools")
        try Program.write("exec chroot '\(chroot)' '\(installation.bindir)/pg_dump' \"$@\"", to: directory + "/pg_dump")
        return silent.merging(["TANDEM_PG_TOOLS": directory]) { $1 }
    }

    /// initdb, pg_ctl, pg_resetwal, …
    func server(_ program: String, _ arguments: [String]) -> Command {
        Self.serverCommand("\(bindir)/\(program)", arguments, chroot: chroot)
    }

    /// Any other program, as the account that owns the server's files.
    func asServer(_ program: String, _ arguments: [String]) -> Command {
        Self.serverCommand(program, arguments, chroot: nil)
    }

    private static func serverCommand(_ program: String, _ arguments: [String], chroot: String?) -> Command {
        guard getuid() == 0 else { return Command(program, arguments, directory: "/") }
        let account = serverAccount
        let prefix =
            if let chroot {
                ["chroot", "--userspec=\(account.user):\(account.group)", chroot]
            } else {
                ["setpriv", "--reuid=\(account.user)", "--regid=\(account.group)", "--clear-groups"]
            }
        return Command(prefix[0], prefix.dropFirst() + [program] + arguments, directory: "/")
    }

    /// Gives a directory that root made to the account that servers run as.
    package static func giveToServer(_ path: String) throws {
        guard getuid() == 0 else { return }
        guard chown(path, serverAccount.user, serverAccount.group) == 0 else {
            throw HarnessFailure(.setUp, "chown \(path): \(String(cString: strerror(errno)))")
        }
    }

    private static let serverAccount: (user: uid_t, group: gid_t) = {
        guard let entry = getpwnam("postgres") else { return (65534, 65534) }
        return (entry.pointee.pw_uid, entry.pointee.pw_gid)
    }()
}

/// Whether this system has the locale de_DE.UTF-8; `scripts/install-packages.sh` makes it.
package let germanIsSpoken =
    ((try? Command("locale", ["-a"]).run().stdout) ?? "").split(separator: "\n").contains("de_DE.utf8")
