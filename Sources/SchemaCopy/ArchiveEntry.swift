// One entry of pg_dump's archive: an object, or something said about one, with the SQL that makes it. Pure values.

package struct ArchiveEntry: Sendable {
    enum Section: Int { case none = 1, beforeData, data, afterData }

    let id: Int
    /// The catalog the object is in, and its row there, on old; 0 when the entry is no object of its own.
    let catalog: UInt32
    let oid: UInt32
    /// TABLE, FK CONSTRAINT, INDEX ATTACH, …
    let kind: String
    /// As pg_dump wrote it: for a trigger, table and trigger separated by a blank.
    let tag: String
    let section: Section
    let definition: String
    let dropStatement: String
    let schema: String?
    let tablespace: String?
    let accessMethod: String?
    /// Of a table, from archives of PostgreSQL 17 on.
    let isPartitioned: Bool
    let owner: String
    let dependencies: [Int]

    var reference: ObjectReference { ObjectReference(catalog: catalog, oid: oid) }
    var isObject: Bool { catalog != 0 && oid != 0 }
}

/// A row of a catalog on old.
struct ObjectReference: Hashable, Sendable {
    let catalog: UInt32
    let oid: UInt32
}
