// A configuration's bytes and the file they are said to come from. Every error of this room gets its file name here.

internal import Model

struct SourceText {
    let file: String
    let bytes: [UInt8]

    func error(_ message: String, at place: Place?, hint: String? = nil) -> ConfigurationError {
        ConfigurationError(file: file, place: place, message: message, hint: hint)
    }

    func requireUTF8() throws(ConfigurationError) {
        do {
            _ = try UTF8Span(validating: bytes.span)
        } catch {
            throw self.error(
                "this is not UTF-8 text", at: place(ofByte: error.byteOffsets.lowerBound),
                hint: "save the file as UTF-8")
        }
    }

    /// The place of a byte, given that everything before it is UTF-8.
    func place(ofByte offset: Int) -> Place {
        let before = bytes.prefix(offset)
        let newline = UInt8(ascii: "\n")
        let line = before.lastIndex(of: newline).map { before[($0 + 1)...] } ?? before
        return Place(
            line: before.count { $0 == newline } + 1,
            column: String(decoding: line, as: UTF8.self).unicodeScalars.count + 1)
    }

    /// The text of a line, or nothing when there is no such line.
    func line(_ number: Int) -> String {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        return lines.indices.contains(number - 1) ? String(decoding: lines[number - 1], as: UTF8.self) : ""
    }
}
