// What one gate saw, when, and what would make it pass. Unknown never counts as held.

package import Foundation
package import Protocol

package struct GateReading: Sendable {
    package enum Verdict: String, Sendable {
        case holds, refuses, unknown
    }

    package let gate: Gate
    package let verdict: Verdict
    /// A phrase that stands alone.
    package let saw: String
    package let remedy: String?
    package let at: Date

    init(_ gate: Gate, _ verdict: Verdict, _ saw: String, mend remedy: String? = nil) {
        self.gate = gate
        self.verdict = verdict
        self.saw = saw
        self.remedy = remedy
        at = Date()
    }

    package var holds: Bool { verdict == .holds }

    static func tables(_ count: Int) -> String { count == 1 ? "1 table" : "\(count) tables" }
}
