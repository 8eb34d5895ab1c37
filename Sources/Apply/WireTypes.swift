// Which types may travel in binary: those built in since long, whose wire form is the same on every version and names no
// object of one database. Everything else travels as text, which is PostgreSQL's own contract between versions.

package enum WireTypes {
    /// Type to its array type. Left out on purpose: reg* (they hold this database's numbers), money (its scale is a
    /// setting), xml (it carries an encoding), arrays and everything user-defined (they name their element by number).
    private static let arrays: [UInt32: UInt32] = [
        16: 1000, 17: 1001, 18: 1002, 19: 1003, 20: 1016, 21: 1005, 23: 1007, 25: 1009, 26: 1028, 114: 199,
        600: 1017, 601: 1018, 602: 1019, 603: 1020, 604: 1027, 628: 629, 650: 651, 700: 1021, 701: 1022, 718: 719,
        774: 775, 829: 1040, 869: 1041, 1042: 1014, 1043: 1015, 1082: 1182, 1083: 1183, 1114: 1115, 1184: 1185,
        1186: 1187, 1266: 1270, 1560: 1561, 1562: 1563, 1700: 1231, 2950: 2951, 3220: 3221, 3802: 3807, 3614: 3643,
        3615: 3645,
    ]

    static let int8: UInt32 = 20
    static let text: UInt32 = 25
    static let textArray: UInt32 = 1009

    package static func travelsInBinary(_ type: UInt32) -> Bool { arrays[type] != nil }

    static func array(of type: UInt32) -> UInt32? { arrays[type] }
}
