// The scenes of `tandem demo`: a small fleet that writes both databases for a while, taken from old to new and back one instance
// after another, with nobody waiting; and what goes wrong meanwhile being found and made right.

internal import Bookstore
internal import Foundation
internal import Lag
internal import Model
internal import Postgres
internal import Processes
internal import State
internal import Threading

extension DemoScenes {
    static let dual = [
        servers, bookstore, copy, kill, dualAtRest, both, outage, strictly, readingNew, detached, wayBack, closing,
        abort, ledger,
    ]

    private static let waived = ["--yes", "--waive", "rehearsed", "--reason", "a demonstration"]

    private static let dualAtRest = DemoScene(
        title: "Step 2: derived tables at rest",
        words:
            "The batch that derives sales and bestsellers ends, and `tandem b final` proves that new has all of it. Both sides are"
            + " compared while everybody writes."
    ) { world, stage in
        try rest(world, stage)
        try succeed(stage, ["verify"])
        try step(stage, "advance")
    }

    private static let both = DemoScene(
        title: "Step 3: one instance after another writes both sides",
        words:
            "Every table has a trigger on both sides now, which refuses who must not write and tells who does. Old counts; an error"
            + " on new is nobody's error. Tandem watches new, and compares every row that was written there."
    ) { world, stage in
        try step(stage, "advance")
        try deploy(3, world, stage)
    }

    private static let outage = DemoScene(
        title: "New crashes, and comes back",
        words:
            "Customers notice nothing: in mode 3 an error on new is nobody's error. The stream brings what could not be written there,"
            + " and a row that is wrong on new all the same is found by its key and made what old has."
    ) { world, stage in
        world.new.stop()
        stage.tell("new is gone")
        try stage.wait(seconds: 3)
        try world.new.startAgain()
        stage.tell("and there again")
        let began = Monotonic.now
        try stage.wait("tandem on new", within: 90) {
            stage.reading.open != nil
                && stage.reading.lag.map { $0.isRunning && $0.report.seconds.worst ?? 99 < 1 } ?? false
        }
        try stage.wait(seconds: 1)
        let counts = stage.reading.twins.map(\.counts)
        stage.tell("level again \(readable(seconds: began.age)) later")
        stage.tell(
            "of the rows looked at so far \(grouped(counts.reduce(0) { $0 + $1.matched })) were the same on both sides, and"
                + " \(grouped(counts.reduce(0) { $0 + $1.failed + $1.orphan })) had to be written again on new")
    }

    private static let strictly = DemoScene(
        title: "Step 4: both or neither",
        words:
            "Permitted once nobody was seen in mode 1 for a while. An instance that was forgotten is refused by old itself from here"
            + " on, and loses nothing silently."
    ) { world, stage in
        try step(stage, "advance")
        try deploy(4, world, stage)
    }

    private static let readingNew = DemoScene(
        title: "Step 5, the balance: nothing applies any more, and reads move to new",
        words:
            "Writers are held for a moment, everything touched is settled, both sides are equal. From here on applications keep them"
            + " so, and tandem only watches."
    ) { world, stage in
        try succeed(stage, ["verify"])
        try succeed(stage, ["canary"])
        try step(stage, "advance")
        try deploy(5, world, stage)
    }

    private static let detached = DemoScene(
        title: "Step 6, the flip: new counts, and old follows",
        words:
            "The same moment again, and truth has changed sides. Ids of both sides are far apart. Instances leave old one after"
            + " another; the stream back brings it what they write."
    ) { world, stage in
        try succeed(stage, ["canary"])
        try step(stage, "advance")
        try deploy(6, world, stage)
        try stage.wait(seconds: min(5, world.settings.seconds))
    }

    private static let wayBack = DemoScene(
        title: "And back, just as ordinary: 6 to 1",
        words: "The same steps the other way: first every instance in the lower mode, then the step."
    ) { world, stage in
        try succeed(stage, ["b", "final"])
        for mode in [5, 4, 3, 1] {
            try deploy(mode, world, stage)
            try step(stage, "back")
        }
        try step(stage, "back")
    }

    // MARK: what an operator does

    /// Gates that wait for something are asked again.
    private static func step(_ stage: DemoStage, _ way: String) throws {
        for _ in 0..<30 {
            let outcome = try stage.run([way] + waived, within: 60, isTold: false)
            guard outcome.status != 0 else {
                stage.tell("$ tandem \(way)")
                if let line = outcome.lines.first(where: { $0.contains("now at step") }) { stage.tell(line) }
                return
            }
            guard outcome.status == ExitCode.refused.rawValue else {
                throw DemoError("`tandem \(way)` ended with \(outcome.status)")
            }
            try stage.wait(seconds: 1)
        }
        throw DemoError("`tandem \(way)` is refused again and again", exitCode: .refused)
    }

    private static func deploy(_ mode: Int, _ world: DemoWorld, _ stage: DemoStage) throws {
        guard let mode = InstanceMode(rawValue: mode) else { return }
        for number in (1...world.settings.instances).shuffled() {
            let file = world.shop.control("web-\(number)")
            let before = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
            let text = try Instructions(text: before).changed(by: Instructions(mode: mode)).text
            try world.shop.replace(file, with: text)
            try stage.wait("mode \(mode.rawValue) of web-\(number)", within: 30) {
                stage.reading.board.reports["web-\(number)"]?.mode == mode.rawValue
            }
        }
        stage.tell(
            "mode \(mode.rawValue) is deployed everywhere; longest wait \(readable(seconds: stage.reading.board.longestWait))"
        )
    }
}
