// What `tandem preflight` saw of both sides' schemas: the digests in the log, the texts in files named after them, so that a
// later command can say what is different. preflight leaves nothing in the databases.
//
// For `preflight`: take both descriptions with `SchemaReader(connection).describe { plan.tables.carries($0) }`, then
// `plan.evidence.recordCheck(old: …, new: …, verdicts: …, counts: …, connections)`. `prepare` and the first `run` refuse when
// what is there then is different.

internal import Digest
internal import Glibc
internal import Model
package import Postgres
package import SchemaFingerprint

package struct CheckedSchemas: Sendable, Equatable {
    package let old: SchemaDescription?
    package let new: SchemaDescription?
}

extension EvidenceLog {
    /// A side that could not be read is nil. `verdicts`: for each check that did not pass, its name and verdict.
    @discardableResult
    package func recordCheck(
        old: SchemaDescription?, new: SchemaDescription?, verdicts: [(String, String)], counts: [(String, Int)],
        oldConnection: Connection?, newConnection: Connection?
    ) throws -> Recorded {
        var details: [(String, String)] = []
        for (side, description) in [("old", old), ("new", new)] {
            guard let description else { continue }
            let digest = description.digest.description
            try file.keep(description.text, as: "\(digest).schema")
            details.append(("schema of \(side)", digest))
        }
        return try record(
            Event("preflight", .done, details: details + verdicts, counts: counts), old: oldConnection,
            new: newConnection)
    }

    /// What the newest preflight in this log saw, when it came after whatever was aborted.
    package func lastCheck() throws(EvidenceError) -> CheckedSchemas? {
        guard let text = try file.read() else { return nil }
        for line in EvidenceChain(text).lines.reversed() {
            guard let fields = line.fields, let command = fields["command"] as? String else { continue }
            if command == "abort", fields["phase"] as? String == "done" { return nil }
            guard command == "preflight", let details = fields["details"] as? [String: Any] else { continue }
            func kept(_ side: String) throws(EvidenceError) -> SchemaDescription? {
                guard let digest = details["schema of \(side)"] as? String,
                    let text = try file.kept("\(digest).schema"), SHA256Digest(of: text).description == digest
                else { return nil }
                return SchemaDescription(text: text)
            }
            return CheckedSchemas(old: try kept("old"), new: try kept("new"))
        }
        return nil
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

    func kept(_ name: String) throws(EvidenceError) -> String? {
        let path = "\(directory)/\(name)"
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw .system("read", path, errno)
        }
        defer { close(descriptor) }
        return String(decoding: try Self.bytes(descriptor, from: 0, path), as: UTF8.self)
    }
}
