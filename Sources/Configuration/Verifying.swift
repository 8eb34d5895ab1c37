// How both sides are compared while replication runs.

package struct Verifying: Hashable, Sendable {
    /// Seconds in which a running stream compares everything once; nil: never by itself.
    package let every: Double?
    /// Rows that `verify --repair` writes without being asked for a confirmation.
    package let repairLimit: Int
    /// Bytes a second that may be read of each side; 0 when it may take what it can.
    package let rate: Int
    /// Seconds that rows may take to settle.
    package let patience: Double

    package init(every: Double? = 24 * 3600, repairLimit: Int = 1000, rate: Int = 0, patience: Double = 120) {
        self.patience = patience
        self.every = every
        self.repairLimit = repairLimit
        self.rate = rate
    }
}

enum VerifyingKey: String, CaseIterable {
    case every, rate, patience
    case repairLimit = "repair_limit"
}

extension Field {
    func verifying() throws(ConfigurationError) -> Verifying {
        let section = try Section<VerifyingKey>(self)
        let usual = Verifying()
        var every = usual.every
        if let field = section.optional(.every) {
            every = try field.text().value == "never" ? nil : try field.seconds()
        }
        return Verifying(
            every: every,
            repairLimit: try section.optional(.repairLimit)?.count(upTo: 1_000_000_000) ?? usual.repairLimit,
            rate: try section.optional(.rate)?.sizeOrNone() ?? usual.rate,
            patience: try section.optional(.patience)?.seconds() ?? usual.patience)
    }
}
