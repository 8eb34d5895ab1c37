// The census of a pair, read from both sides: what the streams have written down of old's and of new's writers, and the
// sessions that are there just now.

internal import Configuration
package import Model
package import Postgres
package import Protocol
internal import State
package import Stream

package struct FleetReading: Sendable {
    package let fleet: FleetCensus
    /// Sides whose writers nobody is told of: no triggers, or a server that does not hand messages on.
    package let blind: [Side: String]
    /// Who is connected to a side whose server tells nobody of its writers.
    package let connected: [Side: Set<String>]
    /// How long the pair has been at its step, in seconds; nil without an epoch.
    package let atStep: Double?
    /// Where instances are connected from, by name.
    package let addresses: [String: [String]]
}

package struct FleetReader {
    private let plan: StreamPlan

    package init(_ plan: StreamPlan) { self.plan = plan }

    package func read(old: Connection, new: Connection) throws -> FleetReading {
        var (sightings, blind): ([Sighting], [Side: String]) = ([], [:])
        var blindServers: [Side] = []
        // What the stream forward reads on old it writes down on new, and the other way round.
        for (side, source, records) in [
            (Side.old, old, CensusRecords(new, plan.stream)), (.new, new, CensusRecords(old, plan.stream.opposite)),
        ] {
            if source.serverMajor < 14 {
                blind[side] = "PostgreSQL \(source.serverMajor) does not tell a stream who writes"
                blindServers.append(side)
                continue
            }
            guard let seen = try records.read() else {
                blind[side] = "nobody has been seen writing since triggers are there"
                continue
            }
            sightings += seen.map {
                Sighting(
                    application: $0.writer.application, declared: $0.writer.mode, side: side, age: $0.last,
                    transactions: $0.transactions)
            }
        }
        let (onOld, onNew) = (try addresses(old), try addresses(new))
        // Who is connected is all that can be known of such a side's writers; who writes the other one as well is seen there.
        var connected: [Side: Set<String>] = [:]
        for side in blindServers {
            let seen = Set(sightings.map(\.application))
            connected[side] = Set((side == .old ? onOld : onNew).keys)
            let unseen = (connected[side] ?? []).filter { !seen.contains($0) }.sorted()
            guard let first = unseen.first else { continue }
            blind[side]? +=
                "; connected there, and not seen writing \(side.other.rawValue): \(mention(first))"
                + (unseen.count > 1 ? " and \(unseen.count - 1) more" : "")
        }
        return FleetReading(
            fleet: FleetCensus(sightings), blind: blind, connected: connected, atStep: try atStep(old),
            addresses: onOld.merging(onNew) { Array(Set($0 + $1)).sorted() })
    }

    private func atStep(_ connection: Connection) throws -> Double? {
        guard try EpochBook(connection, plan.stream).read() != nil else { return nil }
        let row = try connection.query(
            "SELECT extract(epoch FROM pg_catalog.clock_timestamp() - since) FROM tandem.epoch WHERE pair = $1",
            [plan.stream.pairKey], doing: "reading since when the pair stands there on \(connection.label)")
        return row.rows == 1 ? Double(row.string(0, 0)) : nil
    }

    private func addresses(_ connection: Connection) throws -> [String: [String]] {
        let rows = try connection.query(
            """
            SELECT DISTINCT application_name, coalesce(pg_catalog.host(client_addr), 'local') FROM pg_catalog.pg_stat_activity
             WHERE datname = pg_catalog.current_database() AND application_name <> ''
               AND pg_catalog.strpos(application_name, $1) <> 1 ORDER BY 1, 2
            """, [plan.stream.pairKey], doing: "looking who is connected to \(connection.label)")
        var found: [String: [String]] = [:]
        for row in 0..<rows.rows { found[rows.string(row, 0), default: []].append(rows.string(row, 1)) }
        return found
    }
}
