// The gate about the instances of the application: nobody has written in a mode that the next step would not allow for
// `gates.quiet`, and everybody of `fleet:` was seen in one that both steps allow. And the one about the ids that instances take
// from both sides.

internal import Configuration
internal import Lag
internal import Model
internal import Protocol
internal import SchemaCopy

extension GateKeeper {
    func census() throws -> GateReading {
        let (old, new) = try desk.reached()
        let reading = try FleetReader(desk.plan).read(old: old, new: new)
        let allowed = desk.table.modes(during: transition)
        let quiet = desk.configuration.gates.quiet
        let stragglers = reading.fleet.stragglers(allowed, quiet: quiet)
        if let first = stragglers.first {
            let rest = Set(stragglers.map(\.application)).count
            return GateReading(
                .census, .refuses, Self.told(first, reading) + (rest > 1 ? "; and \(rest - 1) more" : ""),
                mend: "deploy it in \(Self.listed(allowed)), and wait `gates.quiet` (\(Self.inWords(quiet)))")
        }
        // Who has written since is not known yet.
        for (direction, _) in roles {
            let lag = try lagReading(direction).report.seconds
            if let behind = lag.worst, behind < quiet { continue }
            return GateReading(
                .census, .unknown,
                "the \(direction.rawValue) stream tells who writes, and "
                    + (lag.worst.map { "is \(Self.inWords($0)) behind" } ?? "nobody knows how far behind it is"),
                mend: "wait until it is less than `gates.quiet` behind: `tandem lag`")
        }
        // An instance that seldom writes must have had the time to.
        guard let since = reading.atStep, since >= quiet else {
            return GateReading(
                .census, .refuses,
                "the pair has been at this step for \(Self.inWords(reading.atStep ?? 0)) only, and `gates.quiet` is"
                    + " \(Self.inWords(quiet))",
                mend: "wait")
        }
        let instances = reading.fleet.instances
        let missing = desk.configuration.fleet.filter {
            reading.fleet.lacks($0.matches, in: allowed, connected: reading.connected)
        }
        if let first = missing.first {
            return GateReading(
                .census, .refuses,
                "\(mention(first.text)) of `fleet` was not seen writing in \(Self.listed(allowed))"
                    + (missing.count > 1 ? "; nor were \(missing.count - 1) more" : ""),
                mend: "`tandem fleet` shows who was; let it write, or take it out of `fleet`")
        }
        let blind = reading.blind.sorted { $0.key.rawValue < $1.key.rawValue }.map {
            "; not seen on \($0.key.rawValue): \($0.value)"
        }
        let taken = desk.configuration.fleet.filter { reading.fleet.lacks($0.matches, in: allowed) }.map {
            "; \(mention($0.text)) is connected, and taken to be in \(Self.listed(allowed))"
        }
        let seen = instances.filter { $0.age < quiet }.count
        return GateReading(
            .census, .holds,
            "\(seen) instances wrote in the last \(Self.inWords(quiet)), all in \(Self.listed(allowed))"
                + (blind + taken).joined())
    }

    /// The side that comes into charge is the one whose ids go beyond the other's.
    func sequences() throws -> GateReading {
        let (old, new) = try desk.reached()
        let isForward = transition.isForward
        let (side, other) = isForward ? (new, old) : (old, new)
        if let problem = try counterparts(.sequences, old, new) { return problem }
        if let (name, what) = try SequenceParting.obstacles(side, from: other).first {
            return GateReading(
                .sequences, .refuses, "sequence \(name) on \(isForward ? "new" : "old") \(what)",
                mend: "ALTER SEQUENCE … NO CYCLE, or AS bigint with the columns it fills, on both sides")
        }
        return GateReading(.sequences, .holds, "each can be put beyond what the other side gives out")
    }

    private static func told(_ straggler: Sighting, _ reading: FleetReading) -> String {
        let name = straggler.application.isEmpty ? "somebody without application_name" : mention(straggler.application)
        let from = reading.addresses[straggler.application].map { " from " + $0.joined(separator: ", ") } ?? ""
        let mode =
            straggler.mode.map { "in \($0)" } ?? (straggler.declared.isEmpty ? "without a mode" : "in an unknown mode")
        return "\(name)\(from) wrote \(straggler.side.rawValue) \(mode) \(inWords(straggler.age)) ago"
    }

    private static func listed(_ modes: Set<Mode>) -> String {
        "mode " + modes.sorted().map { "\($0.rawValue)" }.joined(separator: " or ")
    }
}
