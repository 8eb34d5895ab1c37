// Plays scenes one after the other and keeps the screen while they play: on a terminal one picture that is redrawn, elsewhere a
// line for each thing and every few seconds how it goes. Ends with what was found, where it stays to be read.

internal import Foundation
internal import Lag
internal import Model
internal import Processes
internal import Threading

final class DemoStage {
    private let world: DemoWorld
    private let gauge: DemoGauge
    private let headline: String
    private var scenes: [DemoScreen.Scene]
    private var place = 0
    private let began = Monotonic.now
    private let isScreen: Bool
    private var isShown = false
    private var lastLine = Monotonic.now

    init(_ world: DemoWorld, _ scenes: [DemoScene], headline: String) {
        (self.world, self.headline) = (world, headline)
        self.scenes = scenes.map { DemoScreen.Scene(title: $0.title, words: $0.words) }
        gauge = DemoGauge(world)
        isScreen = Terminal.hasScreen && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    }

    // MARK: scenes

    func open() {
        if isScreen {
            // A page of its own, which leaves the terminal as it was.
            print("\u{1b}[?1049h\u{1b}[?25l\u{1b}[2J")
            isShown = true
        } else {
            Terminal.show(headline)
        }
    }

    func play(_ scene: DemoScene, _ number: Int) throws {
        place = number
        if !isScreen {
            Terminal.show("\n\(number + 1). \(scene.title)")
            for line in DemoScreen.wrapped(scene.words, 100) { Terminal.show("   \(line)") }
        }
        try tick()
        try scene.play(world, self)
        // What came of it stands on the screen for a moment.
        if isScreen { try wait(seconds: 1) }
    }

    /// The terminal as it was, with all results. Harmless when repeated.
    func close(isWhole: Bool) {
        gauge.close()
        guard isShown else { return }
        isShown = false
        print("\u{1b}[?25h\u{1b}[?1049l")
        Terminal.show(Terminal.strong(headline))
        let columns = Terminal.screenSize.columns
        for (number, scene) in scenes.enumerated()
        where number < place || number == place && (isWhole || !scene.results.isEmpty) {
            Terminal.show("\(number + 1). \(scene.title)")
            for line in scene.results.flatMap({ DemoScreen.result($0, columns) }) { Terminal.show(line) }
        }
    }

    private func print(_ text: String) {
        try? FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
    }

    /// Something was found.
    func tell(_ text: String) {
        scenes[place].results.append(text)
        if !isScreen { Terminal.show("   \(text)") }
    }

    // MARK: waiting

    /// Redraws; throws when asked to stop, or when something has ended that should go on.
    func tick() throws {
        if processStop.isRaised { throw DemoError("interrupted; what was started is ended and removed") }
        try world.look()
        gauge.look()
        if isScreen { draw() } else { sayHowItGoes() }
    }

    func wait(seconds: Double) throws {
        let until = Monotonic.now.adding(seconds: seconds)
        while Monotonic.now < until {
            try tick()
            processStop.wait(seconds: 0.25)
        }
    }

    func wait(_ what: String, within seconds: Double, until holds: () throws -> Bool) throws {
        let deadline = Monotonic.now.adding(seconds: seconds)
        while try !holds() {
            guard Monotonic.now < deadline else { throw DemoError("\(what) did not come within \(Int(seconds)) s") }
            try tick()
            processStop.wait(seconds: 0.25)
        }
        try tick()
    }

    var reading: DemoGauge.Reading { gauge.reading }

    /// A command of tandem's, as an operator would type it. Its output.
    func run(_ arguments: [String], within seconds: Double = 120, isTold: Bool = true) throws -> (
        status: Int32, lines: [String]
    ) {
        if isTold { tell("$ tandem " + arguments.joined(separator: " ")) }
        let said = Monitor<[String]>([])
        let log = "\(world.path)/command.log"
        try? FileManager.default.removeItem(atPath: log)
        let child = try Child(
            "command", program: ownProgram(), arguments: arguments + ["--config", world.configuration],
            environment: ["NO_COLOR": "1"], errors: log
        ) { line in said.withLock { $0.append(line) } }
        try wait("the end of `tandem \(arguments[0])`", within: seconds) { child.status != nil }
        let status = child.status ?? 1
        // Its last lines may still be on their way.
        child.finish()
        if status != 0, isTold {
            let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            for line in text.split(separator: "\n").suffix(3) { tell(withoutControls(String(line))) }
        }
        return (status, said.withLock { $0 })
    }

    // MARK: showing

    private func draw() {
        let (columns, lines) = Terminal.screenSize
        let screen = DemoScreen(
            columns: columns, lines: lines, isUnicode: Terminal.isUnicode, isColored: Terminal.usesColor)
        let picture = screen.picture(headline, scenes, at: place, gauge.reading, seconds: began.age)
        print("\u{1b}[H" + picture.map { $0 + "\u{1b}[K\n" }.joined() + "\u{1b}[J")
    }

    private func sayHowItGoes() {
        guard lastLine.age >= 5, !gauge.reading.board.reports.isEmpty else { return }
        lastLine = .now
        var text = "   … " + gauge.reading.board.text
        if let lag = gauge.reading.lag { text += "  stream: \(stateInWords(lag))" }
        if let worst = gauge.reading.lag?.report.seconds.worst { text += ", lag \(readable(seconds: worst))" }
        Terminal.show(text)
    }
}
