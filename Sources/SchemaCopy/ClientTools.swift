// Finds the pg_dump to use. It must be at least as new as both servers: an older one refuses the newer server, or does not
// know what new needs. Among those found the oldest sufficient one is taken, because a newer one may write what new does
// not understand. Looked at, in this order: the directories in TANDEM_PG_TOOLS (separated by colons) and nothing else when
// that is set; otherwise /usr/lib/postgresql/*/bin, then PATH.

internal import Foundation
internal import Glibc
internal import Processes
package import Threading

package struct ClientTools: Sendable {
    package let dump: String
    /// Of pg_dump: 15, 18, …
    package let major: Int

    package static func find(
        atLeast wanted: Int, environment: [String: String] = ProcessInfo.processInfo.environment, stop: StopSignal
    ) throws(SchemaError) -> ClientTools {
        var found: [ClientTools] = []
        for path in candidates(environment) {
            guard let major = try version(of: path, stop: stop) else { continue }
            found.append(ClientTools(dump: path, major: major))
        }
        let sufficient = found.filter { $0.major >= wanted }
        // `min` takes the first of several equal ones.
        if let best = sufficient.min(by: { $0.major < $1.major }) { return best }
        throw missing(wanted, found)
    }

    private static func missing(_ wanted: Int, _ found: [ClientTools]) -> SchemaError {
        let newest = found.max { $0.major < $1.major }
        let seen = newest.map { "the newest one found is \($0.major), \($0.dump)" } ?? "none was found"
        return .refused([
            SchemaProblem(
                "copying the schema needs pg_dump \(wanted) or newer, because one of the servers is PostgreSQL \(wanted);"
                    + " \(seen)",
                remedy: "apt-get install postgresql-client-\(wanted), or name the directory that holds pg_dump in the"
                    + " environment variable TANDEM_PG_TOOLS.")
        ])
    }

    private static func candidates(_ environment: [String: String]) -> [String] {
        directories(environment).map { "\($0)/pg_dump" }.filter { access($0, X_OK) == 0 }
    }

    private static func directories(_ environment: [String: String]) -> [String] {
        func list(_ name: String) -> [String] {
            (environment[name] ?? "").split(separator: ":").filter { $0.hasPrefix("/") }.map(String.init)
        }
        if let own = environment["TANDEM_PG_TOOLS"], !own.isEmpty { return list("TANDEM_PG_TOOLS") }
        let base = "/usr/lib/postgresql"
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: base)) ?? []).compactMap { Int($0) }
        return versions.sorted(by: >).map { "\(base)/\($0)/bin" } + list("PATH")
    }

    /// nil when it does not say: what is called pg_dump need not be one.
    private static func version(of path: String, stop: StopSignal) throws(SchemaError) -> Int? {
        let asked = ChildProgram(program: path, arguments: ["--version"])
        do { return major(in: String(decoding: try asked.run(stop: stop).output, as: UTF8.self)) } catch {
            if case .interrupted = error { throw .interrupted }
            return nil
        }
    }

    /// Of `pg_dump (PostgreSQL) 15.4 (Debian 15.4-1)`, or `18beta1`.
    static func major(in text: String) -> Int? {
        guard let mark = text.range(of: "(PostgreSQL) ") else { return nil }
        return Int(text[mark.upperBound...].prefix { ("0"..."9").contains($0) })
    }
}
