// The gate of what `canary` names: each probe tried lately, as it is now, and passed. Before new alone is left in charge they must
// have been tried while users read it.

internal import Canary
internal import Configuration
internal import Model
internal import Protocol
internal import State
internal import Stream

extension GateKeeper {
    func canary() throws -> GateReading {
        let probes = desk.configuration.canary.filter { $0.isFor(desk.plan.pair) }
        guard !probes.isEmpty else {
            return GateReading(
                .canary, .refuses, "`canary` names nothing for this pair",
                mend: "name reads that users depend on, then `tandem canary`; or say how you made sure: "
                    + Self.waiver(.canary))
        }
        let (_, new) = try desk.reached()
        let records = Dictionary(try CanaryRecords(new, desk.plan.stream).read().map { ($0.name, $0) }) { $1 }
        let limit = desk.configuration.gates.verifiedWithin
        var oldest = 0.0
        for probe in probes {
            let name = "`\(withoutControls(probe.name))`"
            func refuses(_ saw: String) -> GateReading {
                GateReading(.canary, .refuses, saw, mend: "`tandem canary`")
            }
            guard let record = records[probe.name] else { return refuses("\(name) was not tried yet") }
            guard record.form == probe.form else {
                return refuses("\(name) is not what it was when it was tried, \(Self.inWords(record.age)) ago")
            }
            guard record.verdict == .passed else {
                return refuses(
                    "\(name), \(Self.inWords(record.age)) ago: \(withoutControls(record.detail ?? "it did not pass"))")
            }
            guard record.age <= limit else {
                return refuses(
                    "\(name) was last tried \(Self.inWords(record.age)) ago, and it may be \(Self.inWords(limit))")
            }
            guard transition.from != .readingNew || record.epoch == desk.standing.epoch?.number else {
                return refuses("\(name) was not tried since instances read new")
            }
            oldest = max(oldest, record.age)
        }
        return GateReading(
            .canary, .holds,
            "\(probes.count == 1 ? "1 probe" : "\(probes.count) probes") passed, each tried within the last"
                + " \(Self.inWords(oldest))")
    }
}
