// `tandem demo`

internal import CommandLine
internal import Foundation
internal import Glibc
internal import Model

/// On a screen broken between words.
private func lines(_ text: String) -> String {
    guard Terminal.hasScreen else { return text }
    return DemoScreen.wrapped(text, Terminal.screenSize.columns).joined(separator: "\n")
}

func demo(_ arguments: Parsed) throws -> ExitCode {
    var settings = DemoSettings()
    settings.seconds = arguments.seconds("seconds") ?? settings.seconds
    settings.rate = arguments.number("rate", usual: settings.rate)
    settings.instances = arguments.number("instances", usual: settings.instances)
    settings.books = arguments.number("books", usual: settings.books)
    settings.isKept = arguments.has("keep")
    settings.isPause = arguments.has("pause")
    settings.postgres = arguments.value("postgres")
    guard (1...20).contains(settings.instances), (1...1_000_000).contains(settings.books) else {
        throw UsageError("the demo has 1 to 20 instances and at most a million books")
    }
    if arguments.has("dry-run") {
        let programs = try PostgresPrograms.find(settings.postgres)
        let isOther = try PostgresPrograms.account() != nil
        Terminal.show(
            "would make two servers below /tmp with the programs in \(mention(programs.directory))"
                + (isOther ? ", as the account postgres" : ""))
        Terminal.show(
            "would load \(grouped(settings.books)) books, serve them with \(counted(settings.instances, "instance")) of"
                + " \(settings.rate) operations a second, and move them to new and back with strategy"
                + " \(settings.isPause ? "pause" : "dual-write")")
        Terminal.show(settings.isKept ? "would leave data and logs" : "would remove all of it at the end")
        return DryRun.end()
    }
    // What the environment says of databases is not about these.
    for name in [
        "PGDATABASE", "PGHOST", "PGHOSTADDR", "PGPORT", "PGSERVICE", "PGOPTIONS", "PGPASSWORD", "PGUSER", "PGAPPNAME",
    ] {
        unsetenv(name)
    }
    let world = try DemoWorld(settings)
    // A second Ctrl-C must not leave servers behind.
    stopOnceOnly()
    let scenes = settings.isPause ? DemoScenes.pause : DemoScenes.dual
    let stage = DemoStage(
        world, scenes,
        headline: settings.isPause
            ? "tandem: two PostgreSQL servers change places while they are being used, and back again"
            : "tandem: a service moves from one PostgreSQL server to another and back while it is being used")
    stage.open()
    defer { world.end() }
    do {
        for (number, scene) in scenes.enumerated() { try stage.play(scene, number) }
    } catch {
        stage.close(isWhole: false)
        throw error
    }
    stage.close(isWhole: true)
    Terminal.show(
        Terminal.strong(
            "\n" + lines("Both databases are equal, every acknowledged write is there once, and nobody had to stop.")))
    return .done
}
