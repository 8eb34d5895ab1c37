// The small types: one of a few words, a size, a text that must not be empty.

internal import Model

extension Field {
    /// One of the cases of `Choice`, by its raw value.
    func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ type: Choice.Type = Choice.self
    ) throws(ConfigurationError) -> Choice {
        let words = Choice.allCases.map(\.rawValue)
        let text = try text()
        if let choice = Choice(rawValue: text.value) { return choice }
        let near = nearest(to: text.written, among: words)
        throw error(
            "\(label) must be \(alternatives(words, joinedBy: "or")), not \(text.mentioned)",
            hint: near.map { "did you mean `\($0)`?" })
    }

    /// A size of at least one byte.
    func size() throws(ConfigurationError) -> Int {
        let text = try text()
        guard let bytes = byteSize(text.value) else {
            throw error("\(label) must be a size, not \(text.mentioned)", hint: sizeHint(text.written))
        }
        guard bytes > 0 else { throw error("\(label) must be more than 0") }
        return bytes
    }

    /// A size, or 0 for none.
    func sizeOrNone() throws(ConfigurationError) -> Int { try text().value == "0" ? 0 : size() }

    /// A length of time, more than nothing.
    func seconds() throws(ConfigurationError) -> Double {
        let text = try text()
        guard let seconds = duration(text.value), seconds > 0 else {
            throw error(
                "\(label) must be a length of time, not \(text.mentioned)",
                hint: "a number with ms, s, m, h or d right after it: 30m")
        }
        return seconds
    }

    /// A numeric address with a port.
    func networkAddress() throws(ConfigurationError) -> NetworkAddress {
        let text = try text()
        if let address = NetworkAddress(text.value) { return address }
        throw error(
            "\(label) must be a numeric address and a port, not \(text.mentioned)",
            hint: "127.0.0.1:9187, or [::1]:9187; 0.0.0.0:9187 for every address of this machine")
    }

    /// A whole number, at least 1.
    func count(upTo highest: Int) throws(ConfigurationError) -> Int {
        let text = try text()
        guard let number = Int(text.value), (1...highest).contains(number),
            text.value.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { throw error("\(label) must be a whole number from 1 to \(highest), not \(text.mentioned)") }
        return number
    }

    func truth() throws(ConfigurationError) -> Bool {
        let text = try text()
        switch text.value {
        case "true": return true
        case "false": return false
        default: throw error("\(label) must be true or false, not \(text.mentioned)")
        }
    }

    func number() throws(ConfigurationError) -> Double {
        let text = try text()
        guard let number = Double(text.value), number.isFinite else {
            throw error("\(label) must be a number, not \(text.mentioned)")
        }
        return number
    }

    func nonEmptyText() throws(ConfigurationError) -> FieldText {
        let text = try text()
        guard !text.value.isEmpty else { throw error("\(label) is empty") }
        return text
    }

    private func sizeHint(_ written: String) -> String {
        let digits = written.prefix { ("0"..."9").contains($0) }
        let unit = written.dropFirst(digits.count).filter { $0 != " " }
        let near = byteSizeUnits.first {
            $0.lowercased() == unit.lowercased() || $0.first?.lowercased() == unit.lowercased()
        }
        if let near, !digits.isEmpty, byteSize("\(digits)\(near)") != nil { return "did you mean `\(digits)\(near)`?" }
        return "a whole number of bytes, or one with kB, MB, GB or TB right after it: 256MB"
    }
}
