// What is sent of an entry of the archive, where that is not word for word what pg_dump wrote.

import Testing

@testable import SchemaCopy

@Suite struct EntryStatementTests {
    private static func sql(_ definition: String) -> String {
        let entry = ArchiveEntry(
            id: 1, catalog: 1259, oid: 16384, kind: "TABLE", tag: "t", section: .beforeData, definition: definition,
            dropStatement: "", schema: "public", tablespace: nil, accessMethod: nil, isPartitioned: false, owner: "",
            dependencies: [])
        return EntryStatement(entry: entry, tablespaces: []).sql
    }

    /// 17.12 has it on every column of a new table, and 18.6 does not know it.
    @Test func aServersOwnNumberIsLeftOut() {
        let table = "CREATE TABLE public.t (\n    a integer,\n    b text\n);\n"
        let written =
            table + """
                ALTER TABLE ONLY public.t ALTER COLUMN a SET (pg_attver=22118016);
                ALTER TABLE ONLY public.t ALTER COLUMN b SET STATISTICS 7;
                ALTER TABLE ONLY public.t ALTER COLUMN b SET (pg_attver=22118016, n_distinct=5);
                ALTER TABLE ONLY public.t ALTER COLUMN c SET (n_distinct=5, pg_attver=22118016);
                ALTER TABLE ONLY public.t ALTER COLUMN "d
                e" SET (pg_attver=7);


                """
        let sent =
            table + """
                ALTER TABLE ONLY public.t ALTER COLUMN b SET STATISTICS 7;
                ALTER TABLE ONLY public.t ALTER COLUMN b SET (n_distinct=5);
                ALTER TABLE ONLY public.t ALTER COLUMN c SET (n_distinct=5);


                """
        #expect(Self.sql(written) == sent)
        #expect(Self.sql(sent) == sent)
    }
}
