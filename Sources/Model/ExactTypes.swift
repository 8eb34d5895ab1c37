// Types of which two values that are equal are the same, digit for digit, by their numbers in every PostgreSQL.

/// Not for numeric (`1` and `1.0`), nor text, whose collation may take others for equal, nor what is unknown here.
package func equalIsSame(_ type: UInt32) -> Bool { exactTypes.contains(type) }

private let exactTypes: Set<UInt32> = [
    16, 17, 18, 20, 21, 23, 26, 774, 829, 1082, 1083, 1114, 1184, 1266, 2950, 3220,
]
