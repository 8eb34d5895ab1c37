// What can be wrong with a database, by the pair of databases in which it is tried. Everything else there is right.

typealias Found = Case.Expected

enum Cases {
    /// Data A is `public.*` without `public.out_*`.
    static let tables: [Case] = [
        Case(old: "CREATE TABLE bare (id int)", new: "CREATE TABLE bare (id int)", Found("identity", "public.bare")),
        Case(
            both: "CREATE TABLE insert_only (id int); ALTER TABLE insert_only REPLICA IDENTITY NOTHING",
            Found("identity-nothing", "public.insert_only")),
        Case(
            both: "CREATE TABLE whole (j json, p point); ALTER TABLE whole REPLICA IDENTITY FULL",
            Found("identity-full", "public.whole")),
        Case(
            both: "CREATE TABLE deferred (id int PRIMARY KEY, place int, CONSTRAINT places UNIQUE (place) DEFERRABLE)",
            Found("deferrable-keys", "public.deferred")),
        Case(old: "CREATE UNLOGGED TABLE fleeting (id int PRIMARY KEY)", Found("unlogged-tables", "public.fleeting")),
        Case(
            old: """
                CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;
                CREATE FOREIGN TABLE far (id int) SERVER s
                """, Found("foreign-tables", "public.far")),
        Case(old: "SELECT lo_create(0)", Found("large-objects", "old")),
        Case(
            both: """
                CREATE TABLE out_parent (id int PRIMARY KEY);
                CREATE TABLE child (id int PRIMARY KEY, parent int CONSTRAINT up REFERENCES out_parent)
                """, Found("foreign-keys-out", "public.child")),
        Case(
            both: """
                CREATE TABLE parent (id int PRIMARY KEY);
                CREATE TABLE out_child (id int PRIMARY KEY, parent int CONSTRAINT up REFERENCES parent)
                """, Found("foreign-keys-in", "public.out_child")),
        Case(
            both: "CREATE TABLE counted (id serial PRIMARY KEY)", old: "SELECT setval('counted_id_seq', 2147483000)",
            Found("sequence-limits", "public.counted_id_seq")),
        Case(
            both: "CREATE SEQUENCE down INCREMENT -1 MINVALUE -1000", old: "SELECT setval('down', -900)",
            Found("sequence-limits", "public.down")),
        Case(
            both: "CREATE TABLE given (id int PRIMARY KEY)",
            old: "INSERT INTO given SELECT generate_series(2147483000, 2147483600); ANALYZE given",
            Found("key-limits", "public.given \"id\"")),
        Case(
            both: """
                CREATE COLLATION own (LOCALE = 'de_DE.UTF-8'); CREATE TABLE sorted (id int PRIMARY KEY, v text COLLATE own)
                """,
            old: "UPDATE pg_collation SET collversion = '1' WHERE collname = 'own'",
            Found("column-collations", "collation public.own")),
        Case(
            both: """
                CREATE TABLE doubtful (id int PRIMARY KEY, v int);
                ALTER TABLE doubtful ADD CONSTRAINT small CHECK (v < 9) NOT VALID
                """, Found("not-validated", "public.doubtful")),
        Case(
            old: "CREATE PUBLICATION tandem_other_x_forward", Found("leftovers", "old")),
    ]
}
