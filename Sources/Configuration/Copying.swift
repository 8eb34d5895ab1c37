// How existing rows are copied.

/// A query on the source whose first value makes the copy rest while it is above a number.
package struct BackOff: Hashable, Sendable {
    package let query: String
    package let above: Double

    package init(query: String, above: Double) {
        self.query = query
        self.above = above
    }
}

package struct Copying: Hashable, Sendable {
    /// Tables of more than twice this many bytes are copied in parts of about this size.
    package let range: Int
    package let backOff: BackOff?
    /// Tables and their indexes are read into the target's memory once they are complete.
    package let prewarm: Bool

    package init(range: Int = 64 << 20, backOff: BackOff? = nil, prewarm: Bool = false) {
        self.range = range
        self.backOff = backOff
        self.prewarm = prewarm
    }
}

enum CopyingKey: String, CaseIterable {
    case range, prewarm
    case backOff = "back_off"
}

enum BackOffKey: String, CaseIterable { case query, above }

extension Field {
    func copySettings() throws(ConfigurationError) -> Copying {
        let section = try Section<CopyingKey>(self)
        let usual = Copying()
        return Copying(
            range: try section.optional(.range)?.size() ?? usual.range,
            backOff: try section.optional(.backOff)?.backOff(),
            prewarm: try section.optional(.prewarm)?.truth() ?? usual.prewarm)
    }

    private func backOff() throws(ConfigurationError) -> BackOff {
        let section = try Section<BackOffKey>(self)
        return BackOff(
            query: try section.required(.query).nonEmptyText().value, above: try section.required(.above).number())
    }
}
