// What tandem keeps of itself in its own tables as JSON, for whoever asks from anywhere: one way to write it and to read it.
// What cannot be read, because another version wrote it, is as good as absent.

internal import Foundation

package protocol KeptAsJSON: Codable {}

extension KeptAsJSON {
    package func encoded() -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        encoder.dateEncodingStrategy = .iso8601
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    package static func decode(_ text: String) -> Self? {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        return try? decoder.decode(Self.self, from: Data(text.utf8))
    }
}
