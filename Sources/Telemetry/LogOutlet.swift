// Where lines leave the process. Whoever reads them may be slow or gone (a pipe that nobody empties): no thread of the
// stream waits for that, because it has a server to keep alive. A line goes out at once while there is room for it; what
// finds none waits in a bounded buffer for a thread of its own, and what finds no room there is dropped and counted.

internal import Glibc
internal import Threading

final class LogOutlet: Sendable {
    private struct Waiting {
        var lines: [String] = []
        var bytes = 0
        var dropped = 0
        /// A thread writes what waits; it ends when nothing does.
        var isDraining = false
    }

    /// What waits at most.
    static let limit = 256 << 10
    /// A pipe that can be written takes as much as this without making anybody wait.
    private static let piece = 4096

    /// What stays below the lines, on a terminal.
    private struct Footer {
        var lines: [String] = []
        /// As many as are drawn: the cursor stands below them.
        var drawn = 0
    }

    private let place: @Sendable () -> Int32
    private let waiting = Monitor(Waiting())
    private let footer = Monitor(Footer())
    private let droppedLine: @Sendable (Int) -> String

    init(_ place: @escaping @Sendable () -> Int32, droppedLine: @escaping @Sendable (Int) -> String) {
        self.place = place
        self.droppedLine = droppedLine
    }

    func write(_ line: String) {
        let mustDrain = waiting.withLock { state in
            if !state.isDraining && line.utf8.count < Self.piece && hasRoom {
                store(line)
                return false
            }
            if state.bytes + line.utf8.count > Self.limit {
                state.dropped += 1
            } else {
                state.lines.append(line)
                state.bytes += line.utf8.count
            }
            defer { state.isDraining = true }
            return !state.isDraining
        }
        guard mustDrain else { return }
        do { try Thread("log") { self.drain() }.leave() } catch {
            // The next line tries again.
            waiting.withLock { $0.isDraining = false }
        }
    }

    /// Draws these below everything that is written, in place of those from before. Not while somebody would wait for that.
    func keep(below lines: [String]) {
        waiting.withLock { state in
            guard !state.isDraining && hasRoom else { return }
            // Free: only who writes has it, and nobody does.
            footer.withLock { footer in
                guard footer.drawn > 0 || !lines.isEmpty else { return }
                footer.lines = lines
                put(Self.erasing(footer) + Self.drawing(&footer))
            }
        }
    }

    private static func erasing(_ footer: Footer) -> String {
        footer.drawn > 0 ? "\r\u{1b}[\(footer.drawn)A\u{1b}[J" : ""
    }

    /// No line goes on in the next one, however narrow the terminal is.
    private static func drawing(_ footer: inout Footer) -> String {
        footer.drawn = footer.lines.count
        return footer.lines.isEmpty ? "" : "\u{1b}[?7l" + footer.lines.map { $0 + "\n" }.joined() + "\u{1b}[?7h"
    }

    /// Waits until nothing waits.
    func finish(seconds: Double) {
        keep(below: [])
        _ = waiting.wait(seconds: seconds) { $0.isDraining ? nil : true }
    }

    private var hasRoom: Bool {
        var look = pollfd(fd: place(), events: Int16(POLLOUT), revents: 0)
        return poll(&look, 1, 0) == 1
    }

    /// Here only a thread that nobody waits for may block.
    private func drain() {
        while let lines = next() { lines.forEach(store) }
    }

    /// Nil when nothing waits any more: then lines go out at once again.
    private func next() -> [String]? {
        waiting.change { state in
            var lines = state.lines
            if state.dropped > 0 { lines.append(droppedLine(state.dropped)) }
            let isDraining = !lines.isEmpty
            state = Waiting(isDraining: isDraining)
            return isDraining ? lines : nil
        }
    }

    /// A log that cannot be written must not end replication.
    private func store(_ line: String) {
        footer.withLock { footer in put(Self.erasing(footer) + line + "\n" + Self.drawing(&footer)) }
    }

    private func put(_ text: String) {
        let bytes = Array(text.utf8)
        let descriptor = place()
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + done, $0.count - done) }
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { return }
            done += count
        }
    }
}
