// What came of trying one probe.

package import Configuration
internal import Digest
package import State

package struct CanaryReport: Sendable {
    package struct Times: Sendable {
        /// Seconds of each timed run, the network's part taken off.
        package internal(set) var runs: [Double] = []
        /// Of the very first one, which may have found nothing in memory.
        package internal(set) var first: Double?

        package var median: Double? { Times.median(runs) }
        package var longest: Double? { runs.max() }

        static func median(_ runs: [Double]) -> Double? {
            guard !runs.isEmpty else { return nil }
            let sorted = runs.sorted()
            let middle = sorted.count / 2
            return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
        }
    }

    package enum Kind: String, Sendable {
        /// The answers are not the same.
        case result
        /// The side in charge, or a program, gave none.
        case error
        /// Only the other side gave none.
        case failure
        /// Nobody could say.
        case unsettled
        case time
        case plan
        /// What a program said.
        case program
    }

    package struct Finding: Sendable {
        package let kind: Kind
        /// A criterion does not hold; otherwise it is only told.
        package let isBreach: Bool
        package let text: String
    }

    package let probe: CanaryProbe
    package internal(set) var findings: [Finding] = []
    /// Sets of parameters that were tried; 1 where there are none.
    package internal(set) var sets = 0
    /// Rows of all sets together, on the side in charge.
    package internal(set) var rows = 0
    package internal(set) var old = Times()
    package internal(set) var new = Times()
    package internal(set) var planOld: PlanShape?
    package internal(set) var planNew: PlanShape?
    package internal(set) var seconds = 0.0

    init(_ probe: CanaryProbe) { self.probe = probe }

    package var breaches: [Finding] { findings.filter(\.isBreach) }

    package var verdict: CanaryRecord.Verdict {
        let kinds = Set(breaches.map(\.kind))
        if kinds.contains(.result) { return .differs }
        if !kinds.isDisjoint(with: [.failure, .time, .plan, .program]) { return .refused }
        return kinds.isEmpty ? .passed : .unknown
    }

    mutating func add(_ kind: Kind, isBreach: Bool = true, _ text: String) {
        findings.append(Finding(kind: kind, isBreach: isBreach, text: text))
    }
}

extension CanaryProbe {
    /// Of what is asked and wanted: the same for the same probe, and another one as soon as anything of it changes that bears on
    /// whether it passes.
    package var form: String {
        let asked =
            switch kind {
            case .query(let query): query
            case .program(let program): ([program.path] + program.arguments).joined(separator: "\u{1f}")
            }
        let given: [String] =
            switch parameters {
            case .none: []
            case .asked(let query): ["?" + query]
            case .given(let sets):
                sets.map { set in set.map { value in value.map { "=" + $0 } ?? "-" }.joined(separator: "\u{1f}") }
            }
        let parts: [String] =
            [
                asked, result.rawValue, "\(slower)", within.map { "\($0)" } ?? "-", plan.rawValue,
                searchPath.joined(separator: "\u{1f}"),
            ] + given
        return String(SHA256Digest(of: parts.joined(separator: "\u{1e}")).description.prefix(32))
    }
}
