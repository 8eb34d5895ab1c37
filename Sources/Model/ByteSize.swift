// Sizes as PostgreSQL writes them: bytes, or a whole number with `kB`, `MB`, `GB` or `TB`, in powers of 1024. Pure.

package let byteSizeUnits = ["kB", "MB", "GB", "TB"]

/// The number of bytes; nil when `text` is not a size or does not fit an `Int`.
package func byteSize(_ text: String) -> Int? {
    let digits = text.prefix { ("0"..."9").contains($0) }
    guard let number = Int(digits) else { return nil }
    let unit = text.dropFirst(digits.count)
    if unit.isEmpty { return number }
    guard let power = byteSizeUnits.firstIndex(where: { $0 == unit }) else { return nil }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: 1 << (10 * (power + 1)))
    return overflow ? nil : bytes
}
