// All that a command could change, as lines that can be compared: catalogs, rows of every table, sequences, slots, origins, roles,
// settings of both servers, and the files of the scenario's directory. For servers of the test's own, because roles and settings are
// a whole server's.

internal import Foundation

/// Sessions for looking again and again.
package struct Onlookers: Sendable {
    fileprivate let old: Session
    fileprivate let new: Session

    package init(_ scenario: Scenario) throws {
        (old, new) = (
            try scenario.old.session(applicationName: "looks"), try scenario.new.session(applicationName: "looks")
        )
    }
}

package struct Stillness: Equatable, CustomStringConvertible {
    package let lines: [String]

    /// `isMoving`: a runner is at work, which writes its heartbeat, progress and status all the time: those are left out.
    package init(_ scenario: Scenario, _ onlookers: Onlookers, isMoving: Bool = false) throws {
        lines =
            try Self.of(onlookers.old, "old", isMoving) + Self.of(onlookers.new, "new", isMoving)
            + Self.files(scenario.directory, isMoving)
    }

    package var description: String { lines.joined(separator: "\n") }

    /// What is in one and not in the other.
    package func differences(to other: Stillness) -> [String] {
        let (mine, theirs) = (Set(lines), Set(other.lines))
        return lines.filter { !theirs.contains($0) }.map { "before: \($0)" }
            + other.lines.filter { !mine.contains($0) }.map { "after: \($0)" }
    }

    private static let moving = [
        "heartbeat", "stream", "stream_status", "copy", "data_b_table", "data_b_progress", "watched", "verification",
        "verification_progress", "evidence", "touched", "census", "twin",
    ]

    private static func of(_ side: Session, _ name: String, _ isMoving: Bool) throws -> [String] {
        let movingTables = moving.map { "'\($0)'" }.joined(separator: ", ")
        let kept = isMoving ? "NOT (n.nspname = 'tandem' AND c.relname IN (\(movingTables)))" : "true"
        let position = isMoving ? "''" : "confirmed_flush_lsn::text"
        let origin = isMoving ? "''" : "coalesce(s.remote_lsn::text, '')"
        // A runner makes that of its batches when the first one is due.
        let lasting = isMoving ? "o.roname NOT LIKE '%\\_b'" : "true"
        return try side.send(
            """
            SELECT 'schema', nspname, nspowner, coalesce(nspacl::text, ''), obj_description(oid, 'pg_namespace')
              FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp' ORDER BY nspname;
            SELECT 'relation', c.oid::regclass, c.relkind, c.relfilenode, c.relpersistence, c.relreplident, c.relowner,
                   coalesce(c.relacl::text, ''), coalesce(c.reloptions::text, ''), c.relhastriggers
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema') AND n.nspname !~ '^pg_(toast_)?temp'
               AND (\(kept) OR c.relkind <> 'r') ORDER BY 2;
            SELECT 'column', attrelid::regclass, attname, atttypid::regtype, attnotnull FROM pg_attribute a
              JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace > 16383 OR c.relnamespace = 'public'::regnamespace
             ORDER BY 2, attnum;
            SELECT 'function', oid::regprocedure, md5(prosrc), coalesce(proacl::text, '') FROM pg_proc
             WHERE oid >= 16384 ORDER BY 2;
            SELECT 'trigger', tgrelid::regclass, tgname, tgenabled FROM pg_trigger ORDER BY 2, 3;
            SELECT 'publication', pubname, puballtables, prrelid::regclass
              FROM pg_publication p LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid ORDER BY 2, 4;
            SELECT 'rows', c.oid::regclass, query_to_xml(format(
                       'SELECT count(*), md5(string_agg(t::text, chr(10) ORDER BY t::text)) FROM %s AS t', c.oid::regclass),
                   false, true, '')
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema')
               AND n.nspname !~ '^pg_(toast_)?temp' AND \(kept) ORDER BY 2;
            SELECT 'sequence', schemaname, sequencename, last_value FROM pg_sequences ORDER BY 2, 3;
            SELECT 'slot', slot_name, plugin, \(position) FROM pg_replication_slots WHERE NOT temporary ORDER BY 2;
            SELECT 'origin', o.roname, \(origin) FROM pg_replication_origin o
              LEFT JOIN pg_replication_origin_status s ON s.local_id = o.roident WHERE \(lasting) ORDER BY 2;
            SELECT 'role', md5(string_agg(r::text, chr(10) ORDER BY r.oid)) FROM pg_authid r;
            SELECT 'member', roleid, member, admin_option FROM pg_auth_members ORDER BY 2, 3;
            SELECT 'setting of', setdatabase, setrole, setconfig FROM pg_db_role_setting ORDER BY 2, 3;
            SELECT 'setting', name, setting FROM pg_file_settings ORDER BY 2;
            SELECT 'large objects', count(*) FROM pg_largeobject_metadata;
            SELECT 'prepared', gid FROM pg_prepared_xacts ORDER BY 2;
            """
        ).split(separator: "\n").map { "\(name) \($0)" }
    }

    private static func files(_ directory: String, _ isMoving: Bool) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: directory).sorted().compactMap { path in
            // A runner's output grows, and it may write evidence of its own.
            let isRunners = path.hasPrefix("tandem-") || path.hasPrefix("evidence/")
            if path.hasPrefix("spill") || isMoving && isRunners { return nil }
            let file = FileManager.default.contents(atPath: "\(directory)/\(path)")
            return "file \(path) \(file.map { "\($0.count) \(String(decoding: $0, as: UTF8.self).hashValue)" } ?? "")"
        }
    }
}
