// One real, private PostgreSQL server: a directory under the run directory with its data, log and socket, and a TCP port
// on 127.0.0.1 that stays its own while it is down. `remove()`, or the end of the last reference, stops it and deletes
// its files; if the test process dies first, the warden does. Any thread may use it.

internal import Foundation
internal import Glibc
internal import Synchronization

package final class Cluster: Sendable {
    package let name: String
    package let installation: PostgresInstallation
    package let options: ClusterOptions
    /// Holds `data`, `server.log` and the socket.
    package let directory: String
    private let reserved: FreePort
    private let removed = Mutex(false)

    package var port: Int { reserved.number }
    package var dataDirectory: String { "\(directory)/data" }
    package var socketDirectory: String { directory }

    /// It runs when this returns, unless `started` is false.
    package init(
        _ name: String = "cluster", options: ClusterOptions = ClusterOptions(),
        installation: PostgresInstallation? = nil, started: Bool = true
    ) throws {
        let run = try RunDirectory.current
        self.name = name
        self.options = options
        self.installation = try installation ?? .newest
        directory = try run.makeDirectory("c")
        reserved = try FreePort(root: run.root)
        try PostgresInstallation.giveToServer(directory)
        try ClusterTemplate(installation: self.installation, options: options).copy(to: dataDirectory)
        try SystemIdentifier.renew(dataDirectory, of: self.installation)
        try configure(ClusterOptions.standardSettings.merging(options.settings) { $1 }.merging(place) { $1 })
        if started { try start() }
    }

    deinit { remove() }

    private var place: [String: String] {
        ["port": String(port), "unix_socket_directories": socketDirectory, "cluster_name": name]
    }

    /// Adds to postgresql.conf; counts from the next start or reload.
    package func configure(_ settings: [String: String]) throws {
        let lines = settings.sorted { $0.key < $1.key }
            .map { "\($0) = '\($1.replacing("\\", with: "\\\\").replacing("'", with: "''"))'\n" }
        try append(lines.joined(), to: "postgresql.conf")
    }

    /// After its files were replaced by those of another cluster.
    func settle(primaryConnection: String) throws {
        try configure(place.merging(["primary_conninfo": primaryConnection, "hot_standby": "on"]) { $1 })
    }

    /// Replaces pg_hba.conf; counts from the next start or reload.
    package func replaceHostBasedAuthentication(_ lines: [String]) throws {
        truncate("\(dataDirectory)/pg_hba.conf", 0)
        try append(lines.joined(separator: "\n") + "\n", to: "pg_hba.conf")
    }

    /// Everything the server logged.
    package var log: String { (try? String(contentsOfFile: "\(directory)/server.log", encoding: .utf8)) ?? "" }

    /// Stops it and deletes its files. Harmless when repeated.
    package func remove() {
        let first = removed.withLock { removed in
            defer { removed = true }
            return !removed
        }
        guard first else { return }
        kill()
        try? FileManager.default.removeItem(atPath: directory)
    }

    private func append(_ text: String, to file: String) throws {
        let path = "\(dataDirectory)/\(file)"
        guard let handle = FileHandle(forUpdatingAtPath: path) else {
            throw HarnessFailure(.setUp, "cannot open \(path)")
        }
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(text.utf8))
        try handle.close()
    }
}
