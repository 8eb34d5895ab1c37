// The operator's configuration as values: read once, checked completely, never changed afterwards.

package import Model
package import Protocol

package struct Configuration: Sendable {
    /// The path as it was given.
    package let file: String
    package let migration: String
    package let pairs: [Pair]
    package let dataA: [TablePattern]
    package let dataB: [DataBTable]
    package let exclude: [TablePattern]
    /// What a person has to decide before anything is carried.
    package let undecided: [TablePattern]
    /// How the migration is to get across.
    package let strategy: Strategy
    package let initialCopy: InitialCopy
    /// How many tables, or parts of one, are copied at a time.
    package let jobs: Int
    package let copy: Copying
    package let limits: Limits
    package let verify: Verifying
    package let gates: Gates
    /// The instances of the application; empty where it is not said.
    package let fleet: [InstancePattern]
    package let hooks: Hooks
    /// What has to pass before users read new, and while the first of them do.
    package let canary: [CanaryProbe]
    /// Where metrics and status are served; nil for nowhere.
    package let listen: NetworkAddress?
    /// Absolute paths.
    package let spill: String
    package let evidence: String

    /// Where each key stands that was written, by its path: `limits.memory`. What is not here has its default.
    package let places: [String: Place]

    package func pair(named name: String) -> Pair? { pairs.first { $0.name == name } }

    /// Nothing may begin while a person has something to decide.
    package func requireDecided() throws(ConfigurationError) {
        guard let first = undecided.first else { return }
        let more = undecided.count > 1 ? ", and \(undecided.count - 1) more" : ""
        throw ConfigurationError(
            file: file, place: first.place, message: "\(mention(first.text)) is undecided\(more)",
            hint: "move each entry of `undecided` to `data_a`, `data_b` or `exclude`")
    }
}
