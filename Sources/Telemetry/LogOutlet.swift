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

    private let descriptor: Int32
    private let waiting = Monitor(Waiting())
    private let droppedLine: @Sendable (Int) -> String

    init(_ descriptor: Int32, droppedLine: @escaping @Sendable (Int) -> String) {
        self.descriptor = descriptor
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

    /// Waits until nothing waits.
    func finish(seconds: Double) {
        _ = waiting.wait(seconds: seconds) { $0.isDraining ? nil : true }
    }

    private var hasRoom: Bool {
        var look = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
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
        let bytes = Array((line + "\n").utf8)
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + done, $0.count - done) }
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { return }
            done += count
        }
    }
}
