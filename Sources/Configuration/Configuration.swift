// The operator's configuration as values: read once, checked completely, never changed afterwards.

package struct Configuration: Sendable {
    /// The path as it was given.
    package let file: String
    package let migration: String
    package let pairs: [Pair]
    package let dataA: [TablePattern]
    package let exclude: [TablePattern]
    package let initialCopy: InitialCopy
    /// How many tables, or parts of one, are copied at a time.
    package let jobs: Int
    package let copy: Copying
    package let limits: Limits
    /// Absolute paths.
    package let spill: String
    package let evidence: String

    package func pair(named name: String) -> Pair? { pairs.first { $0.name == name } }
}
