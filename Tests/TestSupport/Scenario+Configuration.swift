// The scenario's tandem.yaml.

internal import Foundation

extension Scenario {
    package var configurationPath: String { "\(directory)/tandem.yaml" }
    package var spillDirectory: String { "\(directory)/spill" }

    package var publicationName: String { "tandem_t_\(name)_forward" }
    package var slotName: String { "tandem_t_\(name)_forward" }

    /// Writes it again, whole: for a test that changes its mind, or needs another connection.
    package func writeConfiguration(
        dataA: [String] = ["*.*"], marker: Bool = true, old: String? = nil, new: String? = nil,
        standby: String? = nil, initialCopy: String = "none",
        extra: String = "", spill: String? = nil
    ) throws {
        let covered = dataA.contains { ["*.*", "public.*", "public._marker"].contains($0) }
        let patterns = dataA + (marker && !covered ? ["public._marker"] : [])
        let text = """
            migration: t
            pairs:
              - name: \(name)
                old: \(yaml(old ?? self.old.connection))
                new: \(yaml(new ?? self.new.connection))\(standby.map { "\n    standby: " + yaml($0) } ?? "")
            data_a: [\(patterns.map(yaml).joined(separator: ", "))]
            initial_copy: \(initialCopy)
            spill: \(yaml(spill ?? spillDirectory))
            \(extra)

            """
        try text.write(toFile: configurationPath, atomically: true, encoding: .utf8)
    }

    private func yaml(_ text: String) -> String {
        "\"\(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
    }
}
