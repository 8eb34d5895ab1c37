// The names of a migration and its pairs. They become part of slot names, so only what PostgreSQL allows there may
// stand in them, and all of it must fit: a longer name would be cut off silently.

internal import Model

extension Field {
    func migrationName() throws(ConfigurationError) -> String {
        let text = try streamNamePart()
        try requireFit(StreamName(migration: text.value, pair: "x", direction: .forward), "even with a pair `x`, ")
        return text.value
    }

    func pairName(of migration: String) throws(ConfigurationError) -> String {
        let text = try streamNamePart()
        try requireFit(StreamName(migration: migration, pair: text.value, direction: .forward))
        return text.value
    }

    private func streamNamePart() throws(ConfigurationError) -> FieldText {
        let text = try nonEmptyText()
        let allowed = text.value.unicodeScalars.allSatisfy {
            ("a"..."z").contains($0) || ("0"..."9").contains($0) || $0 == "_"
        }
        guard allowed else {
            throw error(
                "\(label) must have only lower-case letters, digits and `_`, not \(text.mentioned)",
                hint: suggestion(for: text))
        }
        return text
    }

    private func suggestion(for text: FieldText) -> String? {
        guard text.value == text.written, !mayBeSecret(text.written) else { return nil }
        let tame = text.written.lowercased().unicodeScalars.map { scalar in
            ("a"..."z").contains(scalar) || ("0"..."9").contains(scalar) ? Character(scalar) : "_"
        }
        return tame.count > 40 ? nil : "for example `\(String(tame))`"
    }

    /// Forward and reverse are equally long.
    private func requireFit(_ stream: StreamName, _ condition: String = "") throws(ConfigurationError) {
        let length = stream.description.utf8.count
        guard length > StreamName.longest else { return }
        throw error(
            "\(label) is too long: \(condition)the stream's name would have \(length) bytes, "
                + "and PostgreSQL's names have at most \(StreamName.longest)",
            hint: "shorten it by \(length - StreamName.longest)")
    }
}
