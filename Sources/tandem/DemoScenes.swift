// The scenes that both demos have. Each says what is seen and why it matters, plays, and tells what was found.

internal import Bookstore
internal import Foundation
internal import InitialCopy
internal import Lag
internal import Ledger
internal import Model
internal import Postgres
internal import Processes

struct DemoScene: Sendable {
    let title: String
    let words: String
    let play: @Sendable (DemoWorld, DemoStage) throws -> Void
}

enum DemoScenes {
    static let servers = DemoScene(
        title: "Two PostgreSQL servers, old and new",
        words:
            "Both are made for this demo, reachable from this machine only, and vanish with it. Old will have a service that"
            + " must not stop; new is empty."
    ) { world, stage in
        for cluster in [world.old, world.new] {
            try cluster.start()
            try stage.tick()
            try world.connect(cluster, "postgres").script("CREATE DATABASE shop", doing: "making a database")
        }
        let version = try world.connect(world.old).query("SHOW server_version", doing: "asking for the version")
        stage.tell("PostgreSQL \(version.string(0, 0)), in \(world.path)")
    }

    static let bookstore = DemoScene(
        title: "A bookstore opens on old",
        words:
            "Several instances of an application serve customers: orders, stock, balances, reviews, documents, a row that"
            + " everybody counts up. Whatever they acknowledge stands in a ledger of their own, outside both databases. A batch"
            + " derives daily sales and bestsellers. From here on nobody tells them anything."
    ) { world, stage in
        try world.shop.create()
        let opening = Opening(books: world.settings.books, accounts: 2000, pieces: 1000, cents: 10_000_000)
        try ShopLoader(try world.connect(world.old)).load(opening, text: 1000)
        try world.shop.write(opening)
        for number in 1...world.settings.instances {
            try world.fleet.start(
                "web-\(number)", old: world.old.address(DemoWorld.database), new: world.new.address(DemoWorld.database),
                ["--rate=\(world.settings.rate)", "--clients=2", "--seed=\(number)"]
                    + (world.settings.isPause ? ["--strategy=pause", "--follow"] : []))
        }
        world.batch = try Child(
            "bookstore batch", program: ownProgram(),
            arguments: ["bookstore", "batch", "--on", world.old.address(DemoWorld.database), "--every", "2s"],
            errors: "\(world.path)/batch.log")
        try stage.wait("the first customers", within: 30) {
            stage.reading.board.reports.count == world.settings.instances
        }
        try stage.wait(seconds: 3)
        stage.tell(
            "\(grouped(opening.books)) books; \(counted(world.settings.instances, "instance")) of \(world.settings.rate)"
                + " operations a second, as processes of their own")
    }

    static let copy = DemoScene(
        title: "tandem run: tables, rows, keys and sequences come over",
        words:
            "The copy runs beside the application, several tables at once, and the stream beside the copy: every change is"
            + " carried exactly once, whether the copy had seen it or not. Watch the customers' p99 meanwhile."
    ) { world, stage in
        try world.writeConfiguration()
        stage.tell("$ tandem run")
        try world.startReplicator()
        try stage.wait("the copy's end", within: 300) { stage.reading.copy?.isComplete == true }
        let copied = stage.reading.copy
        stage.tell(
            "copied \(grouped(copied?.rows ?? 0)) rows of \(counted(copied?.tables ?? 0, "table")); the longest wait of a"
                + " customer so far: \(readable(seconds: stage.reading.board.longestWait))")
    }

    static let follow = DemoScene(
        title: "Follow: how far behind is new?",
        words:
            "Lag is the time from a commit on old to its being visible on new, measured by a heartbeat. Derived tables (data B)"
            + " are carried by batches of their own, each with the age of what new shows."
    ) { world, stage in
        try stage.wait(seconds: world.settings.seconds)
        tellHighestLag(world, stage)
    }

    /// Of as many seconds as a scene waits.
    static func tellHighestLag(_ world: DemoWorld, _ stage: DemoStage) {
        let known = stage.reading.lags.compactMap { $0 }
        guard let highest = known.suffix(Int(world.settings.seconds)).max() else { return }
        stage.tell("highest lag \(readable(seconds: highest))")
    }

    static let kill = DemoScene(
        title: "kill -9 tandem, and start it again",
        words:
            "It goes on exactly where new stands: progress is a row on new, written by the transaction that applies. While it"
            + " is away, old keeps its log, and the application notices nothing."
    ) { world, stage in
        world.killReplicator()
        stage.tell("killed")
        try stage.wait(seconds: 3)
        try world.startReplicator()
        try stage.wait("a lag below a second", within: 60) {
            stage.reading.lag.map { $0.isRunning && $0.report.seconds.worst ?? 99 < 1 } ?? false
        }
        stage.tell("started again, and level with old")
    }

    static let closing = DemoScene(
        title: "The shop closes: everything that was served must be on both sides",
        words: "The instances end, the streams bring the last changes, and both sides are compared once more."
    ) { world, stage in
        let status = world.fleet.end()
        guard status == 0 else { throw DemoError("an instance of the bookstore ended with \(status)") }
        let board = world.fleet.board
        stage.tell(InstanceLine.summary(board.total, seconds: board.seconds, longestWait: board.longestWait))
        world.stopReplicator()
        try succeed(stage, ["run", "--until", "caught-up"])
        try succeed(stage, ["verify"])
    }

    /// What derives Data B ends, and new has all of it.
    static func rest(_ world: DemoWorld, _ stage: DemoStage) throws {
        world.batch?.end(patience: 10)
        world.batch = nil
        _ = try DerivedBatch(try world.connect(world.old)).round()
        try world.connect(world.new).script("ANALYZE", doing: "collecting statistics on new")
        try succeed(stage, ["b", "final"])
    }

    static let abort = DemoScene(
        title: "tandem abort: nothing of tandem stays in either database",
        words: "Slot, publication, origin and tandem's own schema are removed. The tables stay."
    ) { world, stage in
        let outcome = try stage.run(["abort", "--yes"])
        guard outcome.status == 0 else { throw DemoError("`tandem abort` ended with \(outcome.status)") }
        for cluster in [world.old, world.new] {
            let left = try world.connect(cluster).query(
                """
                SELECT (SELECT count(*) FROM pg_catalog.pg_replication_slots) + (SELECT count(*) FROM pg_catalog.pg_publication)
                     + (SELECT count(*) FROM pg_catalog.pg_replication_origin)
                     + (SELECT count(*) FROM pg_catalog.pg_namespace WHERE nspname = 'tandem')
                """, doing: "looking what is left on \(cluster.name)")
            guard left.int(0, 0) == 0 else {
                throw DemoError("\(cluster.name) still has \(left.string(0, 0)) objects of tandem")
            }
        }
        stage.tell("nothing is left on old or new")
    }

    /// A command of tandem's that must work; what it said last is told.
    static func succeed(_ stage: DemoStage, _ words: [String]) throws {
        let outcome = try stage.run(words, within: 300)
        guard outcome.status == 0 else {
            throw DemoError(
                "`tandem \(words[0])` ended with \(outcome.status)",
                exitCode: ExitCode(rawValue: outcome.status) ?? .failed)
        }
        if let last = outcome.lines.last(where: { !$0.isEmpty }) {
            stage.tell(last.trimmingCharacters(in: .whitespaces))
        }
    }

    static let ledger = DemoScene(
        title: "The ledger's verdict",
        words:
            "The bookstore judges by its own records: every acknowledged write must be there, once, on old and on new; stock and"
            + " balances must come out; no instance may have read backwards."
    ) { world, stage in
        let verdicts = try judge(world.shop, [world.target(world.old), world.target(world.new)])
        for verdict in verdicts {
            for line in VerdictLine(verdict).text.split(separator: "\n") { stage.tell(String(line)) }
        }
        guard verdicts.allSatisfy(\.isClean) else {
            throw DemoError("the ledger does not agree with what is there", exitCode: .differs)
        }
    }
}
