// What the tests of this room share: the smallest configuration, and reading one to its values or its error.

import Configuration
import Testing

let smallest = """
    migration: bookstore
    pairs:
      - name: shop
        old: postgresql://old.example/shop
        new: postgresql://new.example/shop
    data_a: ["public.*"]

    """

/// The smallest configuration with `more` after its seven lines.
func read(_ more: String = "", environment: [String: String] = [:]) throws -> Configuration {
    try Configuration.parse(smallest + more, file: "tandem.yaml", environment: environment)
}

func failure(_ text: String, environment: [String: String] = [:]) -> ConfigurationError? {
    do {
        _ = try Configuration.parse(text, file: "tandem.yaml", environment: environment)
        return nil
    } catch {
        return error
    }
}

/// What an operator sees: the description, and the hint after an arrow.
func complaint(_ text: String, environment: [String: String] = [:]) -> String {
    failure(text, environment: environment).map {
        [$0.description, $0.hint].compactMap { $0 }.joined(separator: " → ")
    }
        ?? "accepted"
}

func complaint(after more: String, environment: [String: String] = [:]) -> String {
    complaint(smallest + more, environment: environment)
}
