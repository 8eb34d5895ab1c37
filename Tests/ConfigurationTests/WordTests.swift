// The small pure pieces: sizes and the nearest word.

internal import Model
import Testing

@testable import Configuration

@Suite struct WordTests {
    @Test(arguments: [
        ("0", 0), ("1", 1), ("1kB", 1024), ("512kB", 524_288), ("256MB", 268_435_456), ("1GB", 1_073_741_824),
        ("3TB", 3_298_534_883_328), ("8388607TB", 9_223_370_937_343_148_032), ("9223372036854775807", Int.max),
        ("8388608TB", nil), ("9223372036854775808", nil), ("", nil), ("MB", nil), ("-1", nil), ("+1", nil),
        ("1 MB", nil),
        ("1mb", nil), ("1.5GB", nil), ("1B", nil), ("1MBx", nil), ("٣", nil),
    ])
    func sizes(_ text: String, _ expected: Int?) {
        #expect(byteSize(text) == expected)
    }

    @Test(arguments: [
        ("data_aa", "data_a"), ("exlude", "exclude"), ("SPILL", "spill"), ("migr", "migration"), ("imits", "limits"),
        ("limtis", "limits"), ("inital_copy", "initial_copy"), ("x", nil), ("", nil), ("zebra", nil), ("pq", nil),
    ])
    func nearestWords(_ word: String, _ expected: String?) {
        let words = ["migration", "data_a", "exclude", "initial_copy", "limits", "spill"]
        #expect(nearest(to: word, among: words) == expected)
    }

    @Test(arguments: [
        ("", "", 0), ("a", "", 1), ("", "ab", 2), ("ab", "ba", 1), ("kitten", "sitting", 3), ("abc", "abc", 0),
    ])
    func distances(_ left: String, _ right: String, _ expected: Int) {
        #expect(editDistance(Array(left.unicodeScalars), Array(right.unicodeScalars)) == expected)
    }
}
