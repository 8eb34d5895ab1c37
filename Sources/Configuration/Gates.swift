// What must hold before an act that cannot be taken back lightly.

package struct Gates: Hashable, Sendable {
    /// Seconds without a write that count as proof that writers have stopped.
    package let quiet: Double

    package init(quiet: Double = 60) { self.quiet = quiet }
}

private enum GateKey: String, CaseIterable { case quiet }

extension Field {
    func gates() throws(ConfigurationError) -> Gates {
        let section = try Section<GateKey>(self)
        return Gates(quiet: try section.optional(.quiet)?.seconds() ?? Gates().quiet)
    }
}
