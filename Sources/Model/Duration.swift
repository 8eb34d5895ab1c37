// Durations as operators write them: a number and one unit, `250ms`, `5s`, `2m`, `1h`, `7d`. Pure.

/// Seconds; nil when `text` is not a duration, or one of more than a hundred years, so that it always fits the clock.
package func duration(_ text: String) -> Double? {
    let units: [(name: String, seconds: Double)] = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86400)]
    guard let unit = units.first(where: { text.hasSuffix($0.name) }) else { return nil }
    let number = text.dropLast(unit.name.count)
    let isNumber = number.utf8.allSatisfy {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: ".")
    }
    guard isNumber, number.first != ".", number.last != ".", let amount = Double(number) else { return nil }
    let seconds = amount * unit.seconds
    return seconds <= 100 * 366 * 86400 ? seconds : nil
}
