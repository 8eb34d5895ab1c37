// What is copied before changes are streamed.

package import Model

package enum InitialCopy: Hashable, Sendable {
    /// Every table of Data A.
    case all
    /// Nothing: new was loaded by other means, from the snapshot of `prepare`.
    case none
    /// Nothing: new was restored to this position.
    case from(LSN)
}

private enum InitialCopyWord: String, CaseIterable { case all, none }

enum InitialCopyKey: String, CaseIterable { case from }

extension Field {
    func initialCopy() throws(ConfigurationError) -> InitialCopy {
        if case .mapping = node.content { return .from(try Section<InitialCopyKey>(self).required(.from).position()) }
        guard case .scalar = node.content else { throw wrongKind("`all`, `none` or `{from: LSN}`") }
        switch try choice(InitialCopyWord.self) {
        case .all: return .all
        case .none: return .none
        }
    }

    private func position() throws(ConfigurationError) -> LSN {
        let text = try text()
        guard let position = LSN(text.value), !text.value.unicodeScalars.contains(where: { $0 == "+" || $0 == "-" })
        else {
            throw error(
                "\(label) must be a position in the write-ahead log, not \(text.mentioned)",
                hint: "PostgreSQL writes positions like 16/B374D848")
        }
        guard position != .zero else { throw error("\(label) is 0/0, which is no position") }
        return position
    }
}
