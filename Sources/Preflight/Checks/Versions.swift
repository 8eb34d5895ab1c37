// What the versions of both servers give tandem, and what they lack.

internal import Model
internal import Postgres

extension Check {
    /// Asked of the server in SQL, like everything else that is looked at.
    private static let major = Question("SELECT current_setting('server_version_num')::int / 10000")

    static let version = Check(
        "version", .blocker, "both servers have a version that tandem knows: old 13 or later, new 14 or later",
        because: "What earlier ones lack (streams that can be continued, privileges, functions) is needed.",
        mend: "another server",
        reads: .each(major)
    ) { answer, survey in
        guard let major = answer.rows.first?.int(0) else { return [] }
        return versions(major, answer.side)
    }

    static func versions(_ major: Int, _ side: Side) -> [Finding] {
        let least = side == .old ? 13 : 14
        guard major < least else { return [] }
        return [Finding(side.rawValue, "is PostgreSQL \(major); tandem needs \(least) or later there")]
    }

    static let features = Check(
        "version-features", .note, "what the versions of both servers give, and what they lack",
        because: "It works without, more slowly or with less protection.",
        mend: "nothing to do, unless a line is about something you need",
        reads: .each(major)
    ) { answer, _ in
        guard let major = answer.rows.first?.int(0) else { return [] }
        let lacking = features(of: answer.side).filter { major < $0.since }
        guard !lacking.isEmpty else { return [] }
        let given = features(of: answer.side).filter { major >= $0.since }.map(\.gives)
        return [
            Finding(
                answer.side.rawValue,
                "is PostgreSQL \(major): it lacks \(lacking.map { "\($0.gives) (\($0.since))" }.joined(separator: ", "))"
                    + (given.isEmpty ? "" : "; it gives \(given.joined(separator: ", "))"))
        ]
    }

    struct Feature {
        let since: Int
        let gives: String
    }

    static func features(of side: Side) -> [Feature] {
        switch side {
        case .old:
            [
                Feature(since: 14, gives: "values in binary"),
                Feature(since: 14, gives: "large transactions sent while they are open"),
                Feature(since: 14, gives: "partitions that are left out as soon as they are detached"),
                Feature(since: 14, gives: "pg_read_all_data instead of grants table by table"),
                Feature(since: 17, gives: "slots that a standby keeps for a failover"),
                Feature(since: 18, gives: "generated columns that are published"),
            ]
        case .new:
            [
                Feature(since: 15, gives: "applying by a role that is no superuser"),
                Feature(since: 16, gives: "roles that may give objects away without inheriting rights"),
            ]
        }
    }
}
