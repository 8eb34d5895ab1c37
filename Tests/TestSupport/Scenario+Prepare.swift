// Publication and slot before the first `run`, as somebody who loads new from their own dump makes them.

internal import Glibc

extension Scenario {
    /// What `tandem prepare` printed.
    package struct Prepared: Sendable {
        package let publication: String
        package let slot: String
        package let position: String
        package let snapshot: String
    }

    /// Runs `tandem prepare`, does `whileHeld` while the exported snapshot is held, interrupts it and expects exit 0.
    @discardableResult
    package func prepare(
        environment: [String: String] = [:], within limit: Duration = .seconds(150),
        _ whileHeld: (Prepared) throws -> Void = { _ in }
    ) throws -> Prepared {
        try interrupted(start("prepare", environment: environment), within: limit, whileHeld)
    }

    /// The same with a process that was started otherwise.
    @discardableResult
    package func interrupted(
        _ command: Replicator, within limit: Duration = .seconds(150), _ whileHeld: (Prepared) throws -> Void = { _ in }
    ) throws -> Prepared {
        // The snapshot is printed last; it is what holding means.
        try command.wait("position and snapshot", within: limit) {
            Self.field("position", command) != nil && Self.field("snapshot", command) != nil
        }
        let prepared = Prepared(
            publication: Self.field("publication", command) ?? "", slot: Self.field("slot", command) ?? "",
            position: Self.field("position", command) ?? "", snapshot: Self.field("snapshot", command) ?? "")
        try whileHeld(prepared)
        command.signal(SIGINT)
        let status = try command.wait(within: limit)
        guard status == .exited(0) else {
            throw HarnessFailure(.command, "tandem prepare was interrupted\n\(command.tail)", exitStatus: status)
        }
        return prepared
    }

    /// The rest of the whole line that begins with the word.
    private static func field(_ word: String, _ command: Replicator) -> String? {
        let lines = command.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        return lines.first { $0.hasPrefix("\(word) ") }.map { String($0.dropFirst(word.count + 1)) }
    }
}
