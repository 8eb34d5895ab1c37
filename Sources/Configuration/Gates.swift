// What must hold before an act that cannot be taken back lightly.

package struct Gates: Hashable, Sendable {
    /// Seconds that an applying stream may be behind.
    package let lag: Double
    /// Seconds without a write that count as proof that writers have stopped.
    package let quiet: Double
    /// Seconds since both sides were last compared and found equal.
    package let verifiedWithin: Double
    /// Seconds since the whole sequence was last rehearsed.
    package let rehearsedWithin: Double

    package init(
        lag: Double = 2, quiet: Double = 60, verifiedWithin: Double = 3600, rehearsedWithin: Double = 7 * 86400
    ) {
        self.lag = lag
        self.quiet = quiet
        self.verifiedWithin = verifiedWithin
        self.rehearsedWithin = rehearsedWithin
    }
}

enum GateKey: String, CaseIterable {
    case lag, quiet
    case verifiedWithin = "verified_within"
    case rehearsedWithin = "rehearsed_within"
}

extension Field {
    func gates() throws(ConfigurationError) -> Gates {
        let section = try Section<GateKey>(self)
        let usual = Gates()
        return Gates(
            lag: try section.optional(.lag)?.seconds() ?? usual.lag,
            quiet: try section.optional(.quiet)?.seconds() ?? usual.quiet,
            verifiedWithin: try section.optional(.verifiedWithin)?.seconds() ?? usual.verifiedWithin,
            rehearsedWithin: try section.optional(.rehearsedWithin)?.seconds() ?? usual.rehearsedWithin)
    }
}
