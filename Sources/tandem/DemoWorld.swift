// What the demo has made: two servers, a directory, a bookstore with its fleet and batch, a `tandem run`. All of it is gone
// when `end` returns, whatever had happened.

internal import Bookstore
internal import CommandLine
internal import Configuration
internal import Foundation
internal import Glibc
internal import Model
internal import Postgres
internal import Processes
internal import Stream

struct DemoSettings {
    var seconds = 20.0
    /// Operations a second, of each instance.
    var rate = 100
    var instances = 3
    var books = 20_000
    var isKept = false
    /// Strategy `pause`, with its switch.
    var isPause = false
    var postgres: String?
}

final class DemoWorld {
    static let database = "shop"

    let settings: DemoSettings
    let path: String
    let old: ThrowawayCluster
    let new: ThrowawayCluster
    let shop: ShopDirectory
    let fleet: Fleet
    var batch: Child?
    private(set) var replicator: Child?
    private(set) var plan: StreamPlan?

    init(_ settings: DemoSettings) throws {
        self.settings = settings
        let programs = try PostgresPrograms.find(settings.postgres)
        _ = try PostgresPrograms.account()
        // Not $TMPDIR: the path must be short enough for a socket, and the servers' account must be able to enter it.
        var template = Array("/tmp/tandem-demo.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw DemoError("cannot make a directory in /tmp: \(String(cString: strerror(errno)))")
        }
        path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        chmod(path, 0o755)
        old = ThrowawayCluster("old", in: path, programs)
        new = ThrowawayCluster("new", in: path, programs)
        shop = ShopDirectory("\(path)/bookstore")
        fleet = Fleet(directory: shop)
    }

    // MARK: addresses

    func target(_ side: ThrowawayCluster, _ database: String = DemoWorld.database) -> ConnectionTarget {
        ConnectionTarget(conninfo: side.address(database), label: side.name)
    }

    func connect(_ side: ThrowawayCluster, _ database: String = DemoWorld.database) throws -> Connection {
        try Connection(to: target(side, database), for: .control, as: "tandem demo", stop: processStop)
    }

    func writeConfiguration() throws {
        let text = """
            migration: demo
            pairs:
              - name: shop
                old: \(old.address(Self.database))
                new: \(new.address(Self.database))
            data_a: ["bookstore.*"]
            data_b:
              - { table: bookstore_stats.daily_sales, modified: updated_at, every: 2s, deletes: 5s }
              - { table: bookstore_stats.bestsellers, refresh: full, every: 5s }
            gates: { quiet: 2s }
            canary:
              - name: a book
                query: SELECT * FROM bookstore.books WHERE id = $1
                parameters: SELECT id FROM bookstore.books ORDER BY id LIMIT 5
                slower: 100
            strategy: \(settings.isPause ? "pause" : "dual-write\nlimits: { pause: 5s }\nfleet: [\"web-*\"]")
            spill: \(path)/spill
            evidence: \(path)/evidence

            """
        try text.write(toFile: configuration, atomically: true, encoding: .utf8)
        let read = try Configuration.read(path: configuration, environment: [:])
        plan = read.pairs.first.map { StreamPlan(read, $0) }
    }

    var configuration: String { "\(path)/tandem.yaml" }
    var runLog: String { (try? String(contentsOfFile: "\(path)/run.log", encoding: .utf8)) ?? "" }

    // MARK: processes

    func startReplicator() throws {
        replicator = try Child(
            "tandem run", program: ownProgram(), arguments: ["run", "--config", configuration],
            errors: "\(path)/run.log")
    }

    /// Throws when something that should go on has ended.
    func look() throws {
        if let complaint = fleet.complaints.first { throw DemoError(complaint) }
        for child in [batch, replicator].compactMap({ $0 }) {
            guard let status = child.status, status != 0 else { continue }
            throw DemoError("\(child.name) ended with \(status): \(tail(child))")
        }
    }

    private func tail(_ child: Child) -> String {
        let file = child === batch ? "\(path)/batch.log" : "\(path)/run.log"
        let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
        return withoutControls(text.split(separator: "\n").suffix(3).joined(separator: " "))
    }

    func killReplicator() {
        replicator?.kill9()
        _ = replicator?.wait(seconds: 10)
        replicator = nil
    }

    func stopReplicator() {
        replicator?.end(patience: 30)
        replicator = nil
    }

    /// Everything, from whatever state.
    func end() {
        fleet.end()
        batch?.end(patience: 3)
        replicator?.end(patience: 3)
        old.stop()
        new.stop()
        if settings.isKept {
            Terminal.note("Kept: \(path)")
        } else {
            try? FileManager.default.removeItem(atPath: path)
        }
    }
}
