// The scenes of `tandem demo --pause`: an application that knows of one database at a time, and the sides changing places under it,
// there and back.

internal import Bookstore
internal import Foundation
internal import Model
internal import Postgres
internal import Processes

extension DemoScenes {
    static let pause = [servers, bookstore, copy, follow, atRest, there, onNew, back, closing, abort, ledger]

    private static let waived = ["--waive", "rehearsed", "--reason", "a demonstration"]

    private static let atRest = DemoScene(
        title: "Step 2: derived tables at rest, triggers in place, the way back watched",
        words:
            "The batch that derives sales and bestsellers ends, and `tandem b final` proves that new has all of it. From here on"
            + " every table has a trigger that can hold its writers back for a moment, and new refuses everybody."
    ) { world, stage in
        try rest(world, stage)
        try succeed(stage, ["advance", "--yes"])
        try stage.wait(seconds: 3)
    }

    private static let there = DemoScene(
        title: "tandem switch: new takes over, while customers are being served",
        words:
            "Writers are held, what old has is brought over and proven to be durable there, and new is in charge. The application"
            + " meets a refusal that says where to go, goes there, and does the same again; nobody sees an error. Watch the longest"
            + " wait."
    ) { world, stage in
        try succeed(stage, ["verify"])
        try succeed(stage, ["canary"])
        try change(world, stage, ["switch", "--yes"])
    }

    private static let onNew = DemoScene(
        title: "On new, with old following",
        words: "The stream back carries every change to old. Going back is as ordinary as going forward was."
    ) { world, stage in
        try stage.wait(seconds: world.settings.seconds)
        tellHighestLag(world, stage)
    }

    private static let back = DemoScene(
        title: "tandem switch --back: and old again",
        words: "The same, with the sides exchanged: compared first, then fenced, drained, committed."
    ) { world, stage in
        try succeed(stage, ["verify"])
        try succeed(stage, ["b", "final"])
        try change(world, stage, ["switch", "--back", "--yes"])
        try stage.wait(seconds: world.settings.seconds / 2)
    }

    private static func change(_ world: DemoWorld, _ stage: DemoStage, _ words: [String]) throws {
        try succeed(stage, words + waived)
        try stage.wait(seconds: 3)
        stage.tell("the longest wait of a customer so far: \(readable(seconds: stage.reading.board.longestWait))")
    }
}
