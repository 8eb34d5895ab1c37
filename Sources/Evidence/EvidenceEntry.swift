// One entry of the log: who did what, when, and how both sides stood. It becomes one line, sealed by a hash over the line
// itself and the hash of the one before. Pure. It must never hold a row value, a connection string or a password.

package import Digest
internal import Model

package struct EvidenceEntry: Sendable {
    package enum Phase: String, Sendable, CaseIterable {
        /// Written before the act.
        case begins
        case done, failed
        /// Something that happened, not something that was done.
        case noted
    }

    package struct SideState: Sendable, Equatable {
        package var position: String?
        package var system: String?
        package var timeline: String?
        /// Digest of its schema.
        package var schema: String?
        /// Why nothing is known of it.
        package var unknown: String?

        package init(
            position: String? = nil, system: String? = nil, timeline: String? = nil, schema: String? = nil,
            unknown: String? = nil
        ) {
            self.position = position
            self.system = system
            self.timeline = timeline
            self.schema = schema
            self.unknown = unknown
        }
    }

    package var number: Int = 0
    package var at: String
    package var actor: Actor
    package var stream: String
    package var command: String
    package var phase: Phase
    /// Where the migration stands.
    package var step: Int
    package var old: SideState
    package var new: SideState
    /// What was done, or what was seen, in words; statements where there are some.
    package var executed: [String] = []
    /// Names, verdicts, digests, in the order they are given.
    package var details: [(String, String)] = []
    package var counts: [(String, Int)] = []
    package var seconds: Double?

    package init(
        at: String, actor: Actor, stream: String, command: String, phase: Phase, step: Int, old: SideState,
        new: SideState
    ) {
        self.at = at
        self.actor = actor
        self.stream = stream
        self.command = command
        self.phase = phase
        self.step = step
        self.old = old
        self.new = new
    }

    /// The whole line, without its line break.
    package func sealed(after previous: SHA256Digest) -> (line: String, hash: SHA256Digest) {
        let body = self.body + ",\"previous\":\"\(previous)\""
        let hash = SHA256Digest(of: body)
        return (body + ",\"hash\":\"\(hash)\"}", hash)
    }

    private var body: String {
        var fields = ["\"number\":\(number)"]
        func add(_ key: String, _ value: String?) {
            if let value { fields.append(JSONText.string(key) + ":" + JSONText.string(value)) }
        }
        add("at", at)
        add("actor", actor.name)
        add("host", actor.host)
        fields.append("\"pid\":\(actor.pid)")
        add("stream", stream)
        add("command", command)
        add("phase", phase.rawValue)
        fields.append("\"step\":\(step)")
        fields.append("\"old\":" + old.json)
        fields.append("\"new\":" + new.json)
        if !executed.isEmpty {
            fields.append("\"executed\":[" + executed.map(JSONText.string).joined(separator: ",") + "]")
        }
        if !details.isEmpty {
            fields.append("\"details\":" + JSONText.object(details.map { ($0, JSONText.string($1)) }))
        }
        if !counts.isEmpty { fields.append("\"counts\":" + JSONText.object(counts.map { ($0, "\($1)") })) }
        if let seconds { fields.append("\"seconds\":\((seconds * 1000).rounded() / 1000)") }
        return "{" + fields.joined(separator: ",")
    }
}

extension EvidenceEntry.SideState {
    fileprivate var json: String {
        let all = [
            ("position", position), ("system", system), ("timeline", timeline), ("schema", schema),
            ("unknown", unknown),
        ]
        return JSONText.object(all.compactMap { key, value in value.map { (key, JSONText.string($0)) } })
    }
}

/// Who acts, as the operating system knows it.
package struct Actor: Sendable, Equatable {
    package let name: String
    package let host: String
    package let pid: Int32

    package init(name: String, host: String, pid: Int32) {
        self.name = name
        self.host = host
        self.pid = pid
    }
}
