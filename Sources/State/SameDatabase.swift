// Whether two connections lead to one and the same database. Neither addresses nor identifiers tell: one server has many
// addresses, and a restored copy has the original's identifiers. A lock that one session holds and the other cannot get does.

package import Postgres

package enum SameDatabase {
    package static func refuse(_ old: Connection, _ new: Connection) throws {
        let key = "\(Int64.random(in: .min ... .max))"
        let doing = "comparing old with new"
        let held = try old.query("SELECT pg_catalog.pg_try_advisory_lock($1::int8)", [key], doing: doing)
        guard held.bool(0, 0) else { return }
        let got = try new.query("SELECT pg_catalog.pg_try_advisory_lock($1::int8)", [key], doing: doing)
        try old.query("SELECT pg_catalog.pg_advisory_unlock($1::int8)", [key], doing: doing)
        if got.bool(0, 0) {
            try new.query("SELECT pg_catalog.pg_advisory_unlock($1::int8)", [key], doing: doing)
            return
        }
        throw StateError.refused(
            "old and new are the same database, by whatever addresses: nothing would be copied anywhere",
            hint: "correct `old` or `new` of the pair in tandem.yaml")
    }
}
