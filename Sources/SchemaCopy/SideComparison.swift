// What new lacks for old's schema, found before anything is made: extensions, roles, places to store; and what is
// different about the databases as a whole. Finds, never changes.

internal import Model
internal import Postgres

struct SideComparison {
    let old: SideReport
    let new: SideReport
    let entries: [ArchiveEntry]
    private(set) var problems: [SchemaProblem] = []
    private(set) var notes: [String] = []

    init(old: SideReport, new: SideReport, entries: [ArchiveEntry]) throws {
        self.old = old
        self.new = new
        self.entries = entries
        try compareDatabases()
        try compareExtensions()
        try compareRoles()
        try compareStorage()
    }

    private mutating func compareDatabases() throws {
        let (left, right) = (try old.database(), try new.database())
        if left.encoding != right.encoding {
            notes.append(
                "old's database is in \(left.encoding), new's in \(right.encoding): text that new's encoding lacks cannot be"
                    + " stored there")
        }
        if left.collation != right.collation || left.provider != right.provider {
            notes.append(
                "text sorts differently: old's database has collation \(left.collation) (\(left.provider)), new's"
                    + " \(right.collation) (\(right.provider))")
        }
    }

    private mutating func compareExtensions() throws {
        let available = try new.availableExtensions()
        for wanted in try old.extensions() {
            guard let version = available[wanted.name] else {
                problems.append(
                    SchemaProblem(
                        "new's server does not have extension \(visiblyQuoted(wanted.name)), which old uses"
                            + " (\(wanted.version))",
                        remedy: "Install its package on new's machine"
                            + " (apt-cache search \(shellQuoted("postgresql-\(new.connection.serverMajor)")) lists them;"
                            + " postgresql-\(new.connection.serverMajor) itself brings the contrib ones), or drop the"
                            + " extension on old."))
                continue
            }
            if version != wanted.version {
                notes.append(
                    "extension \(visiblyQuoted(wanted.name)) is \(wanted.version) on old and \(version) on new")
            }
        }
    }

    private mutating func compareRoles() throws {
        let (inUse, there) = (try old.rolesInUse(), try new.roles())
        // Schema public, which pg_database_owner owns, or before 15 whoever made the server, stays as new has it.
        let others = entries.filter { !["public", "SCHEMA public"].contains($0.tag) || !($0.schema ?? "").isEmpty }
        let owners = Set(others.map(\.owner)).subtracting(["", "pg_database_owner"])
        let attributes = Dictionary(inUse.map { ($0.name, $0.attributes) }) { first, _ in first }
        let missing = owners.union(inUse.map(\.name)).subtracting(there).sorted()
        if !missing.isEmpty {
            problems.append(
                SchemaProblem(
                    "new lacks \(missing.count == 1 ? "role" : "roles")"
                        + " \(missing.map { visiblyQuoted($0) }.joined(separator: ", ")),"
                        + (missing.count == 1
                            ? " which owns objects of old or has" : " which own objects of old or have")
                        + " rights on them",
                    remedy: missing.map { name in
                        let words = attributes[name].flatMap { $0.isEmpty ? nil : " " + $0 } ?? ""
                        return "CREATE ROLE \(visiblyQuoted(name))\(words);"
                    }.joined(separator: " ")))
        }
        let mine = try new.rolesToGiveTo()
        let foreign = owners.intersection(there).subtracting(mine).sorted()
        if !foreign.isEmpty {
            let me = visiblyQuoted(new.connection.role)
            problems.append(
                SchemaProblem(
                    "tandem's role on new, \(me), may not make objects of"
                        + " \(foreign.map { visiblyQuoted($0) }.joined(separator: ", "))",
                    remedy: foreign.map { "GRANT \(visiblyQuoted($0)) TO \(me);" }.joined(separator: " ")))
        }
    }

    private mutating func compareStorage() throws {
        let tablespaces = Set(entries.compactMap(\.tablespace).filter { !$0.isEmpty })
        for name in tablespaces.subtracting(try new.tablespaces()).sorted() {
            notes.append("new has no tablespace \(visiblyQuoted(name)): what is in it on old goes to the default one")
        }
        let methods = Set(entries.compactMap(\.accessMethod).filter { !$0.isEmpty })
        for name in methods.subtracting(try new.accessMethods()).sorted() {
            // An extension of old's may bring it.
            guard !entries.contains(where: { $0.kind == "ACCESS METHOD" || $0.kind == "EXTENSION" }) else { continue }
            problems.append(SchemaProblem("new's server has no table access method \(visiblyQuoted(name))"))
        }
    }
}
