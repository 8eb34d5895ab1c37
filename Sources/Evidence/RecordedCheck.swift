// What a preflight found and saw, as the log keeps it: verdicts, what was passed over and why, and the schema of both sides:
// digests in the log, texts in files named after them, so that a later command can say what is different. preflight leaves
// nothing in the databases.

internal import Digest
internal import Glibc
package import Model
package import Postgres
package import SchemaFingerprint

package struct RecordedCheck: Sendable, Equatable {
    package let old: SchemaDescription?
    package let new: SchemaDescription?
    /// Checks whose blockers stand, by name.
    package let blockers: [String]
    /// Reasons, by the checks they were given for.
    package let skipped: [String: String]
    /// `preflight`, or the command that looked by itself.
    package let command: String

    package init(
        old: SchemaDescription?, new: SchemaDescription?, blockers: [String] = [], skipped: [String: String] = [:],
        by command: String = "preflight"
    ) {
        self.command = command
        self.old = old
        self.new = new
        self.blockers = blockers
        self.skipped = skipped
    }

    package func schema(of side: Side) -> SchemaDescription? { side == .old ? old : new }
}

/// What a check said: its name, how bad that is, and what it is about.
package struct Verdict: Sendable, Equatable {
    package let check: String
    package let severity: String
    package let objects: String

    package init(check: String, severity: String, objects: String) {
        self.check = check
        self.severity = severity
        self.objects = objects
    }
}

private let (schemaKey, skippedKey, byKey, blocking) = ("schema of ", "skipped ", "by", "blocker: ")

extension EvidenceLog {
    /// A side that could not be read is nil. `verdicts`: of each check that found something, the worst first.
    @discardableResult
    package func recordCheck(
        _ check: RecordedCheck, verdicts: [Verdict], counts: [(String, Int)], old: Connection?, new: Connection?
    ) throws -> Recorded {
        var details = check.command == "preflight" ? [] : [(byKey, check.command)]
        for side in Side.allCases {
            guard let description = check.schema(of: side) else { continue }
            let text = description.text
            let digest = SHA256Digest(of: text).description
            try file.keep(text, as: "\(digest).schema")
            details.append((schemaKey + side.rawValue, digest))
        }
        details += verdicts.map { ($0.check, "\($0.severity): \($0.objects)") }
        details += check.skipped.sorted { $0.key < $1.key }.map { (skippedKey + $0.key, $0.value) }
        return try record(Event("preflight", .done, details: details, counts: counts), old: old, new: new)
    }

    /// The newest preflight in this log, when it came after whatever was aborted.
    package func lastCheck() throws(EvidenceError) -> RecordedCheck? {
        guard let text = try file.read() else { return nil }
        for line in EvidenceChain(text).lines.reversed() {
            guard let fields = line.fields, let command = fields["command"] as? String else { continue }
            if command == "abort", fields["phase"] as? String == "done" { return nil }
            guard command == "preflight", let details = fields["details"] as? [String: Any] else { continue }
            return try recorded(details)
        }
        return nil
    }

    private func recorded(_ details: [String: Any]) throws(EvidenceError) -> RecordedCheck {
        func kept(_ side: Side) throws(EvidenceError) -> SchemaDescription? {
            guard let digest = details[schemaKey + side.rawValue] as? String,
                let text = try file.kept("\(digest).schema"), SHA256Digest(of: text).description == digest
            else { return nil }
            return SchemaDescription(text: text)
        }
        var skipped: [String: String] = [:]
        for (key, reason) in details where key.hasPrefix(skippedKey) {
            skipped[String(key.dropFirst(skippedKey.count))] = reason as? String
        }
        let blockers = details.filter { ($0.value as? String)?.hasPrefix(blocking) == true }.map(\.key)
            .filter { skipped[$0] == nil && !$0.hasPrefix(skippedKey) }
        return RecordedCheck(
            old: try kept(.old), new: try kept(.new), blockers: blockers.sorted(), skipped: skipped,
            by: details[byKey] as? String ?? "preflight")
    }
}

extension EvidenceFile {
    /// A file beside the log, named after what is in it: the same again is no change.
    func keep(_ text: String, as name: String) throws(EvidenceError) {
        try makeDirectory()
        let path = "\(directory)/\(name)"
        if access(path, R_OK) == 0 { return }
        try place(text, at: path)
    }

    func kept(_ name: String) throws(EvidenceError) -> String? { try Self.contents(of: "\(directory)/\(name)") }
}
