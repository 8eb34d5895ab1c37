// The replication protocol's own commands, each one function; they run on a replication connection.

internal import Model
internal import Postgres

struct SystemIdentity: Sendable {
    let systemIdentifier: String
    let timeline: Int
    let position: LSN
}

enum ReplicationCommands {
    static func identify(_ connection: Connection) throws(PostgresError) -> SystemIdentity {
        let row = try connection.script("IDENTIFY_SYSTEM", doing: "identifying \(connection.label)")
        return SystemIdentity(
            systemIdentifier: row.string(0, 0), timeline: row.int(0, 1) ?? 0, position: LSN(row.string(0, 2)) ?? .zero)
    }

    /// Where the server left an earlier timeline; nil when it never was on it.
    static func end(of earlier: Int, on connection: Connection, timeline: Int) throws(PostgresError) -> LSN? {
        let row = try connection.script(
            "TIMELINE_HISTORY \(timeline)", doing: "reading the timeline history of \(connection.label)")
        return TimelineHistory.end(of: earlier, in: row.string(0, 1))
    }

    /// Creates the slot and keeps its snapshot until the next command on this connection.
    static func createSlot(_ name: StreamName, on connection: Connection) throws(PostgresError) -> CreatedSlot {
        // Where old has standbys that keep slots, this one moves along to them.
        let options = connection.serverMajor >= 17 ? "(SNAPSHOT 'export', FAILOVER true)" : "EXPORT_SNAPSHOT"
        let row = try connection.script(
            "CREATE_REPLICATION_SLOT \(quoted(name.description)) LOGICAL pgoutput \(options)",
            doing: "creating slot \(name) on \(connection.label)")
        guard let start = LSN(row.string(0, 1)) else {
            throw PostgresError(.unexpected, "the new slot has no position", doing: "creating slot \(name)")
        }
        return CreatedSlot(start: start, snapshot: row.string(0, 2))
    }

    static func start(
        _ name: StreamName, from position: LSN, binary: Bool, messages: Bool = false, on connection: Connection
    ) throws(PostgresError) {
        let options = StreamOptions(serverMajor: connection.serverMajor, binary: binary, messages: messages)
        try connection.startCopy(
            "START_REPLICATION SLOT \(quoted(name.description)) LOGICAL \(position) (\(options.text(for: name)))",
            doing: "starting to stream from \(connection.label)")
    }
}

struct CreatedSlot: Sendable {
    let start: LSN
    let snapshot: String
}

/// What is asked of pgoutput, by the source's version.
struct StreamOptions {
    let serverMajor: Int
    let binary: Bool
    /// What triggers say of whoever writes.
    var messages = false

    var protocolVersion: Int {
        switch serverMajor {
        case ...13: 1
        case 14: 2
        case 15: 3
        default: 4
        }
    }

    func text(for name: StreamName) -> String {
        var options = ["proto_version '\(protocolVersion)'", "publication_names '\(quoted(name.description))'"]
        if serverMajor >= 14 { options += ["streaming 'on'", "binary '\(binary)'"] }
        if serverMajor >= 14, messages { options.append("messages 'true'") }
        if serverMajor >= 16 { options.append("origin 'any'") }
        return options.joined(separator: ", ")
    }
}

/// The file a server keeps of its past timelines: timeline, position where it was left, reason.
enum TimelineHistory {
    static func end(of timeline: Int, in content: String) -> LSN? {
        for line in content.split(separator: "\n") where !line.hasPrefix("#") {
            let fields = line.split(whereSeparator: { $0 == "\t" || $0 == " " })
            if fields.count >= 2, Int(fields[0]) == timeline { return LSN(fields[1]) }
        }
        return nil
    }
}
