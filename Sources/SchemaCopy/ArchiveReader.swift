// Reads the table of contents of pg_dump's custom archive, which lists what `pg_restore --list` shows, exactly: names as
// they are, the SQL of each entry by itself, what it depends on. The layout is that of pg_backup_archiver.c (WriteHead,
// WriteToc), archive versions 1.14 (PostgreSQL 12) to 1.16 (18); any other is refused by name. Everything is checked before
// it is believed. Pure.

struct ArchiveReader {
    private let bytes: [UInt8]
    private var place = 0
    private var version = 0
    private var integerSize = 0
    private var offsetSize = 0

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    static func entries(of bytes: [UInt8]) throws(SchemaError) -> [ArchiveEntry] {
        var reader = ArchiveReader(bytes)
        try reader.readHead()
        let count = try reader.integer()
        guard count >= 0 && count <= bytes.count else { throw damaged }
        var entries: [ArchiveEntry] = []
        entries.reserveCapacity(count)
        for _ in 0..<count { entries.append(try reader.entry()) }
        return entries
    }

    private static var damaged: SchemaError {
        .failed(
            "pg_dump wrote an archive that cannot be read", hint: "is the program in TANDEM_PG_TOOLS really pg_dump?")
    }

    private mutating func readHead() throws(SchemaError) {
        guard bytes.starts(with: Array("PGDMP".utf8)) else { throw Self.damaged }
        place = 5
        let (major, minor) = (Int(try byte()), Int(try byte()))
        _ = try byte()
        version = major * 256 + minor
        guard (0x10e...0x110).contains(version) else {
            throw .failed(
                "pg_dump writes archives of version \(major).\(minor), and this version of tandem reads 1.14 to 1.16",
                hint: "name the directory of pg_dump 18 or older in the environment variable TANDEM_PG_TOOLS")
        }
        integerSize = Int(try byte())
        offsetSize = Int(try byte())
        guard (1...8).contains(integerSize), (1...8).contains(offsetSize) else { throw Self.damaged }
        guard try byte() == 1 else { throw Self.damaged }
        if version >= 0x10f { _ = try byte() } else { _ = try integer() }
        // When it was made; database; versions of server and pg_dump.
        for _ in 0..<7 { _ = try integer() }
        for _ in 0..<3 { _ = try string() }
    }

    private mutating func entry() throws(SchemaError) -> ArchiveEntry {
        let id = try integer()
        _ = try integer()
        let catalog = try number(), oid = try number()
        let tag = try string() ?? "", kind = try string() ?? ""
        guard let section = ArchiveEntry.Section(rawValue: try integer()) else { throw Self.damaged }
        let definition = try string() ?? "", drop = try string() ?? ""
        _ = try string()
        let schema = try string(), tablespace = try string(), accessMethod = try string()
        let relationKind = version >= 0x110 ? try integer() : 0
        let owner = try string() ?? ""
        _ = try string()
        var dependencies: [Int] = []
        while let text = try string() {
            guard let id = Int(text) else { throw Self.damaged }
            dependencies.append(id)
        }
        // Where its data is.
        _ = try byte()
        for _ in 0..<offsetSize { _ = try byte() }
        return ArchiveEntry(
            id: id, catalog: catalog, oid: oid, kind: kind, tag: tag, section: section, definition: definition,
            dropStatement: drop, schema: schema, tablespace: tablespace, accessMethod: accessMethod,
            isPartitioned: relationKind == Int(UInt8(ascii: "p")), owner: owner, dependencies: dependencies)
    }

    private mutating func byte() throws(SchemaError) -> UInt8 {
        guard place < bytes.count else { throw Self.damaged }
        defer { place += 1 }
        return bytes[place]
    }

    private mutating func integer() throws(SchemaError) -> Int {
        let isNegative = try byte() != 0
        var value: UInt64 = 0
        for shift in 0..<integerSize { value |= UInt64(try byte()) << UInt64(8 * shift) }
        guard let number = Int(exactly: value), number <= Int(Int32.max) else { throw Self.damaged }
        return isNegative ? -number : number
    }

    private mutating func number() throws(SchemaError) -> UInt32 {
        guard let text = try string(), let number = UInt32(text) else { throw Self.damaged }
        return number
    }

    private mutating func string() throws(SchemaError) -> String? {
        let length = try integer()
        if length < 0 { return nil }
        guard length <= bytes.count - place else { throw Self.damaged }
        defer { place += length }
        return String(decoding: bytes[place..<place + length], as: UTF8.self)
    }
}
