// Old's schema as pg_dump sees it: one run of pg_dump, its archive read from the pipe and never written anywhere. Nothing
// that belongs to tandem is in it, nor any row.

internal import Model
internal import Postgres
internal import Processes
internal import Threading

enum SchemaArchive {
    /// What only sets up a session that restores, as ours is already; and the database itself.
    private static let passedOver: Set<String> = [
        "ENCODING", "STDSTRINGS", "SEARCHPATH", "DATABASE", "DATABASE PROPERTIES",
    ]

    static func read(
        _ source: ConnectionTarget, with tools: ClientTools, encoding: String, snapshot: String?, stop: StopSignal
    ) throws -> [ArchiveEntry] {
        let connection = try ClientConnection(source, as: "tandem pg_dump")
        var arguments = [
            "--format=custom", "--schema-only", "--no-publications", "--no-subscriptions", "--exclude-schema=tandem",
            "--encoding=\(encoding)", "--compress=0", "--no-password",
        ]
        if let snapshot { arguments.append("--snapshot=\(snapshot)") }
        arguments.append("--dbname=\(connection.conninfo)")
        // Its own words are looked at below; those of the server come in whatever language that speaks.
        let environment = connection.environment.merging(["LC_ALL": "C"]) { $1 }
        let program = ChildProgram(program: tools.dump, arguments: arguments, environment: environment)
        let outcome: ChildProgram.Outcome
        do { outcome = try program.run(stop: stop) } catch { throw SchemaError(error) }
        guard outcome.status == 0 else { throw failure(outcome, tools, secrets: Array(connection.environment.values)) }
        return try ArchiveReader.entries(of: outcome.output).filter { !isPassedOver($0) }
    }

    private static func isPassedOver(_ entry: ArchiveEntry) -> Bool {
        if ["ACL", "COMMENT", "SECURITY LABEL"].contains(entry.kind) {
            // What was granted on the server's own functions is each server's affair, and its owner's to give.
            return entry.tag.hasPrefix("DATABASE ") || entry.schema == "pg_catalog"
        }
        // The fence's, on a table that is dumped.
        if entry.kind == "TRIGGER", entry.definition.contains(" EXECUTE FUNCTION tandem.") { return true }
        return passedOver.contains(entry.kind)
    }

    /// pg_dump's own words: the line that says what failed, and not the query.
    private static func failure(_ outcome: ChildProgram.Outcome, _ tools: ClientTools, secrets: [String]) -> SchemaError
    {
        var lines = outcome.errors.split(whereSeparator: \.isNewline).map(String.init)
        let errors = lines.filter { $0.contains(" error: ") }
        if !errors.isEmpty { lines = errors }
        var words = lines.prefix(3).joined(separator: "; ")
        for secret in secrets where !secret.isEmpty { words = words.replacing(secret, with: "…") }
        let reason = words.isEmpty ? "it ended with status \(outcome.status)" : withoutControls(words)
        return .failed(
            "\(tools.dump) could not read old's schema: \(reason)",
            hint: "if a right is missing: pg_dump needs SELECT on all tables and USAGE on all schemas of old")
    }
}
