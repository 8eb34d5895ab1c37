// A psql that stays: for open transactions, locks, and statements that block. After each batch of statements it is told to
// print a marker on both of its outputs, and what stands before the markers belongs to the batch. Its outputs are files,
// so it never blocks on us. One thread at a time uses it.

internal import Glibc
internal import Synchronization

package final class Session: Sendable {
    private struct State {
        var input: Int32
        var batch = 0
        var statements = ""
        var consumed = (stdout: 0, stderr: 0)
    }

    private let name: String
    private let child: ChildProcess
    private let stdout: ScratchFile
    private let stderr: ScratchFile
    private let state: Mutex<State>

    init(_ database: Database, user: String, applicationName: String) throws {
        name = "\(database.cluster.name)/\(database.name)"
        (stdout, stderr) = (try ScratchFile(), try ScratchFile())
        let command = try database.psqlCommand(
            user: user, extra: ["application_name": applicationName], options: ["-v", "ON_ERROR_STOP=0"])
        let ends = try connectedDescriptors()
        defer { Glibc.close(ends.theirs) }
        state = Mutex(State(input: ends.ours))
        child = try ChildProcess(command, descriptors: [ends.theirs, stdout.descriptor, stderr.descriptor])
        try send("SELECT 1")
    }

    deinit { close() }

    /// Runs the statements and returns what they print. Throws when one of them fails; the session stays usable.
    @discardableResult
    package func send(_ statements: String, within limit: Duration = .seconds(150)) throws -> String {
        try start(statements)
        return try result(within: limit)
    }

    /// Sends without waiting, for statements that shall block. `result` then waits for them.
    package func start(_ statements: String) throws {
        let (input, text) = state.withLock { state in
            state.batch += 1
            state.statements = statements
            let marker = Self.marker(state.batch)
            return (state.input, "\(Self.terminated(statements))\n\\echo \(marker)\n\\warn \(marker)\n")
        }
        try write(text, to: input)
    }

    /// What the started statements print; throws when one of them failed, or when they have not ended in time.
    package func result(within limit: Duration = .seconds(150)) throws -> String {
        let marker = state.withLock { Self.marker($0.batch) } + "\n"
        let found = poll(within: limit, every: .milliseconds(2)) { () -> Bool? in
            if child.status != nil { return false }
            return pending(stdout, \.stdout).hasSuffix(marker) && pending(stderr, \.stderr).hasSuffix(marker)
                ? true : nil
        }
        let (output, errors) = (pending(stdout, \.stdout), pending(stderr, \.stderr))
        let statements = state.withLock { $0.statements }
        guard found == true else {
            if found == nil {
                throw HarnessFailure(.timeLimit, "in \(name), not ended within \(limit):\n\(statements)")
            }
            throw HarnessFailure.sql(errors, statements: statements, database: name, exitStatus: child.status)
        }
        state.withLock {
            $0.consumed.stdout += output.utf8.count
            $0.consumed.stderr += errors.utf8.count
        }
        let message = String(errors.dropLast(marker.count))
        if message.split(separator: "\n").contains(where: Self.isError) {
            throw HarnessFailure.sql(message, statements: statements, database: name, exitStatus: nil)
        }
        return output.dropLast(marker.count).trimmingNewlines
    }

    /// Ends psql; an open transaction is rolled back. Harmless when repeated.
    package func close() {
        state.withLock { state in
            if state.input >= 0 { Glibc.close(state.input) }
            state.input = -1
        }
        if child.wait(within: .milliseconds(500)) == nil { child.end() }
    }

    private func pending(_ file: ScratchFile, _ stream: KeyPath<(stdout: Int, stderr: Int), Int>) -> String {
        let start = state.withLock { $0.consumed[keyPath: stream] }
        return String(decoding: file.bytes(from: start), as: UTF8.self)
    }

    private func write(_ text: String, to input: Int32) throws {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(input, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                throw HarnessFailure(.sql, "the session in \(name) has ended\n\(pending(stderr, \.stderr))")
            }
            rest = rest.dropFirst(count)
        }
    }

    private static func marker(_ batch: Int) -> String { "<end of batch \(batch)>" }

    private static func isError(_ line: Substring) -> Bool {
        ["ERROR:", "FATAL:", "PANIC:", "psql: error:"].contains { line.hasPrefix($0) }
    }

    /// Without a semicolon psql would wait for more. A backslash command ends with its line.
    private static func terminated(_ statements: String) -> String {
        let text = statements.trimmingNewlines
        let last = text.split(separator: "\n").last?.drop { $0 == " " } ?? ""
        return last.hasSuffix(";") || last.hasPrefix("\\") ? text : text + "\n;"
    }
}
