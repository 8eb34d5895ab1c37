// The fence on a real server: who it stops, who passes, whom it waits for, and that nothing of it stays.

import Fence
import Model
import Postgres
import Protocol
import State
import TestSupport
import Testing

@Suite(.blocking) struct FenceTests {
    private static let tables = """
        CREATE TABLE t (a int PRIMARY KEY, b text); INSERT INTO t SELECT i, 'x' FROM generate_series(1, 20) i;
        CREATE TABLE child (a int PRIMARY KEY, t int REFERENCES t ON DELETE CASCADE); INSERT INTO child VALUES (1, 5);
        CREATE TABLE part (a int, b int) PARTITION BY LIST (a);
        CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1) PARTITION BY LIST (b);
        CREATE TABLE part_1_1 PARTITION OF part_1 FOR VALUES IN (1); CREATE TABLE part_2 PARTITION OF part FOR VALUES IN (2);
        CREATE TABLE "Odd ""Name" (a int); CREATE TABLE outside (a int);
        """

    /// Every kind of statement, and every way into a table.
    @Test func stopsEveryWriterAndNobodyElse() throws {
        let f = try Fenced("fence", Self.tables)
        defer { f.s.end() }
        let before = try Traces(f.s)
        #expect(try f.install("t", "child", "part", "Odd \"Name") == 7)
        #expect(try f.install("t", "child", "part", "Odd \"Name") == 0, "again changes nothing")
        #expect(try f.state("INSERT INTO t VALUES (100, 'y'); INSERT INTO part VALUES (1, 1)") == "ok")

        try f.set(.detached)
        let writes = [
            "INSERT INTO t VALUES (101, 'y')", "UPDATE t SET b = 'z' WHERE false", "DELETE FROM t WHERE a = 1",
            "TRUNCATE child",
            "INSERT INTO t VALUES (1, 'y') ON CONFLICT (a) DO UPDATE SET b = 'y'",
            "COPY t FROM PROGRAM 'printf \"7\\t8\\n\"'",
            "INSERT INTO part VALUES (1, 1)", "INSERT INTO part_1 VALUES (1, 1)", "INSERT INTO part_1_1 VALUES (1, 1)",
            "INSERT INTO part_2 VALUES (2, 1)", "TRUNCATE part_2", "INSERT INTO \"Odd \"\"Name\" VALUES (1)",
            "WITH x AS (DELETE FROM t RETURNING a) SELECT count(*) FROM x",
            "SET session_replication_role = replica; DELETE FROM t",
            "SET tandem.mode = 'tandem'; SET SESSION AUTHORIZATION stranger; DELETE FROM t",
            "PREPARE p AS DELETE FROM t; EXECUTE p",
            "BEGIN; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; DELETE FROM t; COMMIT",
        ]
        try f.s.old.sql(
            "DO $$ BEGIN CREATE ROLE stranger; EXCEPTION WHEN duplicate_object THEN END $$; GRANT ALL ON t TO stranger")
        for write in writes { #expect(try f.state(write) == "25006", "\(write)") }
        let merge = "MERGE INTO t USING (SELECT 1 AS a) s ON t.a = s.a WHEN MATCHED THEN UPDATE SET b = 'm'"
        if (Int(try f.s.old.value("SHOW server_version_num") ?? "") ?? 0) >= 150_000 {
            #expect(try f.state(merge) == "25006")
        }
        #expect(try f.state("INSERT INTO outside VALUES (1)") == "ok")
        #expect(try f.state("SELECT * FROM t FOR UPDATE") == "ok", "it does not hold back reading")
        #expect(try f.state("SET tandem.mode = 'tandem'; UPDATE t SET b = 'ours' WHERE a = 1") == "ok")
        do {
            try f.s.old.sql("DELETE FROM t")
            Issue.record("it should not")
        } catch let failure as HarnessFailure {
            #expect(failure.message.contains("nobody writes old now; write to new"), "\(failure.message)")
            #expect(failure.message.contains("step 6") && failure.message.contains("\"shop\" at new.example"))
        }

        // A cascade into a table that is fenced alone; and modes, declared and not.
        try f.set(.derivedAtRest)
        #expect(try f.state("DELETE FROM t WHERE a = 5") == "ok")
        try f.set(.writingStrictly, .dualWrite)
        #expect(try f.state("DELETE FROM t WHERE a = 6") == "25006")
        #expect(
            try f.state("BEGIN; SELECT set_config('tandem.mode', '4', true); DELETE FROM t WHERE a = 6; COMMIT") == "ok"
        )
        #expect(try f.state("SET tandem.mode = '6'; DELETE FROM t WHERE a = 7") == "25006")
        #expect(try f.state("SET tandem.mode = 'nonsense'; DELETE FROM t WHERE a = 7") == "25006")
        try f.s.old.sql("DROP OWNED BY stranger")

        #expect(try f.installation().remove() == ["the fence's triggers on 7 tables of old"])
        #expect(try f.installation().remove() == [])
        #expect(try Traces(f.s).description == before.description)
    }

    /// What somebody has switched off, taken away or made since is seen, and made good.
    @Test func seesWhatIsNotCovered() throws {
        let f = try Fenced("fencecover", Self.tables)
        defer { f.s.end() }
        try f.install("t", "part")
        #expect(try f.uncovered("t", "part") == [])
        let trigger = FenceNames(f.stream).trigger
        try f.s.old.sql(
            """
            CREATE TABLE part_3 PARTITION OF part FOR VALUES IN (3); ALTER TABLE part_2 DISABLE TRIGGER \(trigger);
            ALTER TABLE part_1_1 ENABLE TRIGGER \(trigger); DROP TRIGGER \(trigger) ON t;
            """)
        #expect(try f.uncovered("t", "part") == ["public.part_1_1", "public.part_2", "public.part_3", "public.t"])
        try f.s.old.sql(
            "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
                + "CREATE TRIGGER \(trigger) BEFORE INSERT ON t FOR EACH STATEMENT EXECUTE FUNCTION nothing()")
        #expect(try f.install("t", "part") == 4)
        #expect(try f.uncovered("t", "part") == [])
        // Each of these looks nearly right.
        let all = "BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON t FOR EACH STATEMENT"
        let own = "EXECUTE FUNCTION tandem.\(trigger)()"
        for other in [
            "BEFORE INSERT OR UPDATE OR DELETE ON t FOR EACH STATEMENT \(own)", "\(all) EXECUTE FUNCTION nothing()",
            "\(all) WHEN (current_user <> 'batch') \(own)",
        ] {
            try f.s.old.sql(
                "DROP TRIGGER \(trigger) ON t; CREATE TRIGGER \(trigger) \(other); ALTER TABLE t ENABLE ALWAYS TRIGGER \(trigger)"
            )
            #expect(try f.uncovered("t", "part") == ["public.t"], "\(other)")
            #expect(try f.install("t", "part") == 1, "\(other)")
        }
        try f.set(.detached)
        #expect(try f.state("INSERT INTO part_3 VALUES (3, 1)") == "25006")
        #expect(try f.state("TRUNCATE t CASCADE") == "25006")
    }

    /// What somebody has changed in the function is put right; and while nobody knows who may write, nobody may.
    @Test func isMadeAsItMustBe() throws {
        let f = try Fenced("fencemade", Self.tables)
        defer { f.s.end() }
        try f.install("t")
        let function = "tandem.\(FenceNames(f.stream).trigger)()"
        try f.s.old.sql(
            "CREATE OR REPLACE FUNCTION \(function) RETURNS trigger LANGUAGE plpgsql STABLE AS 'BEGIN RETURN NULL; END'"
        )
        try f.set(.detached)
        #expect(try f.state("DELETE FROM t WHERE a = 1") == "ok")
        #expect(try f.install("t") == 0)
        try f.set(.detached)
        #expect(try f.state("DELETE FROM t WHERE a = 1") == "25006")

        try f.s.old.sql("DROP SEQUENCE \(FenceNames(f.stream).gateSQL); TRUNCATE tandem.epoch")
        #expect(throws: StateError.self) { try f.install("t") }
        for mode in ["", "1", "4"] {
            #expect(try f.state("SET tandem.mode = '\(mode)'; DELETE FROM t WHERE a = 2") == "25006", "mode \(mode)")
        }
    }

    /// One acquisition waits for every open writer and holds back new ones; who is in the way is named.
    @Test func waitsForWritersAndNamesThem() throws {
        let f = try Fenced("fencewait", Self.tables)
        defer { f.s.end() }
        try f.install("t", "child", "part")
        let fence = try f.session()
        let writer = try f.s.old.session(applicationName: "slow one")
        try writer.send("BEGIN; DELETE FROM t WHERE a = 4; SAVEPOINT a; DELETE FROM t WHERE a = 1; ROLLBACK TO a")
        #expect(throws: PostgresError.self) { try fence.putUp(within: 0.2, lease: 5) }
        var holders = try InTheWay(on: f.connection()).writers(FenceNames(f.stream))
        #expect(holders.map(\.application) == ["slow one"] && holders[0].state == "idle in transaction")
        #expect(holders[0].description.contains("pid ") && holders[0].description.contains("open for "))
        // Back into the table past a fence that waits for it; then prepared, which holds as well.
        try writer.send("DELETE FROM t WHERE a = 2; PREPARE TRANSACTION 'fence \(f.s.name)'")
        #expect(throws: PostgresError.self) { try fence.putUp(within: 0.1, lease: 5) }
        holders = try InTheWay(on: f.connection()).writers(FenceNames(f.stream))
        #expect(holders.map(\.gid) == ["fence \(f.s.name)"])
        #expect(holders.first?.description.hasPrefix("prepared transaction 'fence ") == true)
        try f.s.old.sql("ROLLBACK PREPARED 'fence \(f.s.name)'")
        // So is who declares a mode.
        let declaring = try f.s.old.session(applicationName: "declaring")
        try declaring.send("BEGIN; SELECT set_config('tandem.mode', '1', true); DELETE FROM t WHERE a = 8")
        #expect(throws: PostgresError.self) { try fence.putUp(within: 0.1, lease: 5) }
        holders = try InTheWay(on: f.connection()).writers(FenceNames(f.stream))
        #expect(holders.map(\.application) == ["declaring"])
        try declaring.send("ROLLBACK")

        try fence.putUp(within: 5, lease: 60)
        #expect(try !FenceShare(f.connection(), f.stream).isFree())
        // Held back, not refused; and let go as the gate is by then, also with an old snapshot.
        let queued = try f.s.old.session()
        try queued.send("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t")
        try queued.start("DELETE FROM t WHERE a = 3")
        try f.s.old.wait(
            for:
                "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database AND datname = current_database() WHERE locktype = 'advisory' AND NOT granted",
            toBe: "1")
        _ = try fence.commit(
            next: f.epoch(2, .detached, truth: .new))
        #expect(throws: HarnessFailure.self) { try queued.result() }
        #expect(try f.state("DELETE FROM t WHERE a = 3") == "25006")
        #expect(try f.s.old.value("SELECT epoch || ' ' || step FROM tandem.epoch") == "2 6")
        #expect(try FenceGate(f.connection(), f.stream, on: .old).read()?.epoch == 2)
    }

    /// What was written under it makes those who waited try again, however the session ended; and only those.
    @Test func oldSnapshotsAreRefusedOnce() throws {
        // Servers of its own: whoever has a transaction open in another database makes every snapshot an older one.
        let pair = try ClusterPair()
        defer { pair.remove() }
        let f = try Fenced("fenceseal", Self.tables, on: pair)
        defer { f.s.end() }
        try f.install("t")
        let gate = FenceGate(try f.connection(), f.stream, on: .old)
        for ends in [true, false] {
            let fence = try f.session()
            try fence.putUp(within: 5, lease: 60)
            try fence.seal(f.epoch(1, .following))
            let queued = try f.s.old.session()
            try queued.start("UPDATE t SET b = 'queued' WHERE a = 3")
            try f.s.old.wait(
                for:
                    "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database AND datname = current_database() WHERE locktype = 'advisory' AND NOT granted",
                toBe: "1")
            try f.s.old.sql("SET tandem.mode = 'tandem'; UPDATE t SET b = 'ours' WHERE a = 4")
            if ends {
                fence.takeDown()
            } else {
                try f.s.old.sql("SELECT pg_terminate_backend(\(fence.connection.backendPID))")
            }
            #expect { try queued.result() } throws: { ($0 as? HarnessFailure)?.sqlstate == "40001" }
            #expect(try queued.send("UPDATE t SET b = 'again' WHERE a = 3 RETURNING b") == "again")
            #expect(try gate.read()?.isSealed == true)
            let reader = try f.s.old.session()
            try reader.send("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t")
            try gate.unsealIfPast()
            #expect(try gate.read()?.isSealed == false, "no snapshot is older")
        }
        // While an older one is there, it stays sealed.
        let reader = try f.s.old.session()
        try reader.send("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t")
        let fence = try f.session()
        try fence.putUp(within: 5, lease: 60)
        try fence.seal(f.epoch(1, .following))
        fence.takeDown()
        try gate.unsealIfPast()
        #expect(try gate.read()?.isSealed == true)
        #expect(throws: HarnessFailure.self) { try reader.send("UPDATE t SET b = 'late' WHERE a = 9") }
        try reader.send("ROLLBACK")
        try gate.unsealIfPast()
        #expect(try gate.read()?.isSealed == false)
    }

    /// The next epoch follows the one that is there, and what is copied from the other side takes nothing back.
    @Test func epochsFollowEachOther() throws {
        let f = try Fenced("fenceepoch", Self.tables)
        defer { f.s.end() }
        let book = EpochBook(try f.connection(), f.stream)
        #expect(throws: StateError.self) { try book.commit(next: f.epoch(3, .detached, truth: .new)) }
        #expect(try book.read()?.number == 1)
        _ = try book.commit(next: f.epoch(2, .detached, truth: .new))
        try book.take(f.epoch(1, .following))
        #expect(try book.read()?.step == .detached)
        try book.take(f.epoch(4, .following))
        #expect(try book.read()?.number == 4)
    }

    /// Left alone it comes down by itself, and nothing of it is committed; the gate follows the epoch again.
    @Test func comesDownWhenItIsLeftAlone() throws {
        let f = try Fenced("fencelease", Self.tables)
        defer { f.s.end() }
        try f.install("t")
        let gate = FenceGate(try f.connection(), f.stream, on: .old)
        let fence = try f.session()
        try fence.putUp(within: 5, lease: 0.2)
        try gate.set(WriterGate(try #require(StepTable(.pause)[.detached]), .pause, epoch: 2, on: .old))
        try f.s.old.wait(
            for: "SELECT count(*) FROM pg_stat_activity WHERE pid = \(fence.connection.backendPID)", toBe: "0")
        #expect(throws: FenceFault.self) { try fence.check() }
        #expect(throws: (any Error).self) {
            try fence.commit(
                next: f.epoch(2, .detached, truth: .new))
        }
        #expect(try f.s.old.value("SELECT epoch FROM tandem.epoch") == "1")
        #expect(try f.state("DELETE FROM t WHERE a = 1") == "25006", "closed by a gate that no epoch asks for")
        #expect(try gate.fits(f.epoch(1, .following)) == false)
        #expect(try gate.derive())
        #expect(try f.state("DELETE FROM t WHERE a = 1") == "ok")
    }

    /// Triggers wait briefly and try again; who keeps them from the table is named.
    @Test func installsBesideThoseWhoHoldTables() throws {
        let f = try Fenced("fencelock", Self.tables)
        defer { f.s.end() }
        let holder = try f.s.old.session(applicationName: "holder")
        try holder.send("BEGIN; DELETE FROM t WHERE a = 1; SELECT pg_sleep(1.3)")
        do {
            try f.install("t", patience: 0.3)
            Issue.record("it should not")
        } catch let fault as FenceFault {
            #expect(fault.description.contains("public.t on old could not be locked"), "\(fault)")
            #expect(fault.description.contains("application holder"), "\(fault)")
            #expect(fault.exitCode == .refused)
        }
        try holder.send("COMMIT")
        #expect(try f.install("t") == 1)
        // A writer that began while its trigger was off is no one whom the fence waits for, and is found all the same.
        try holder.send(
            "BEGIN; ALTER TABLE t DISABLE TRIGGER \(FenceNames(f.stream).trigger); DELETE FROM t WHERE a = 2")
        let fence = try f.session()
        try fence.putUp(within: 5, lease: 60)
        let oids = "{\(try f.s.old.value("SELECT 't'::regclass::oid") ?? "")}"
        let slipped = try InTheWay(on: f.connection()).slipped(FenceNames(f.stream), relations: oids)
        #expect(Set(slipped.map(\.application)) == ["holder"])
        #expect(slipped.first?.description.contains("on public.t") == true, "\(slipped)")
        fence.takeDown()
        try holder.send("ROLLBACK")
    }

    /// The trigger runs as who writes: one who may do nothing else, and one whose `search_path` has other things by its names.
    @Test func whoWritesNeedsNothingAndChangesNothing() throws {
        let f = try Fenced("fencewriter", Self.tables)
        defer { f.s.end() }
        try f.install("t", census: .message)
        let role = "writer_\(f.s.name)"
        try f.s.old.sql(
            """
            CREATE ROLE \(role); GRANT SELECT, UPDATE, DELETE ON t TO \(role); CREATE SCHEMA trap;
            GRANT USAGE ON SCHEMA trap TO \(role);
            CREATE FUNCTION trap.pg_advisory_xact_lock_shared(bigint) RETURNS void LANGUAGE sql AS 'SELECT';
            CREATE FUNCTION trap.pg_sequence_last_value(regclass) RETURNS bigint LANGUAGE sql AS 'SELECT 127::bigint';
            CREATE FUNCTION trap.current_setting(text, boolean) RETURNS text LANGUAGE sql AS $$SELECT 'tandem'$$;
            CREATE FUNCTION trap.int8gt(bigint, bigint) RETURNS boolean LANGUAGE sql AS 'SELECT true';
            CREATE FUNCTION trap.texteq(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
            CREATE FUNCTION trap.equal(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
            CREATE OPERATOR trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.equal);
            """)
        defer { _ = try? f.s.old.sql("DROP OWNED BY \(role); DROP ROLE \(role)") }
        let writing = "SET ROLE \(role); SET search_path = trap, pg_catalog, public; UPDATE t SET b = 'w' WHERE a = 1"
        #expect(try f.state(writing) == "ok")
        #expect(
            try f.state("SET ROLE \(role); SET tandem.mode = 'tandem'; DELETE FROM t WHERE a = 1") == "ok",
            "the session is ours")
        try f.set(.detached)
        // tandem's role by another name is tandem's role.
        let (ours, renamed) = ("ours_\(f.s.name)", "renamed_\(f.s.name)")
        let gate = FenceNames(f.stream).gateSQL
        try f.s.old.sql(
            "CREATE ROLE \(ours); GRANT DELETE, SELECT ON t TO \(ours); GRANT CREATE ON SCHEMA tandem TO \(ours); ALTER SEQUENCE \(gate) OWNER TO \(ours); ALTER ROLE \(ours) RENAME TO \(renamed)"
        )
        defer {
            _ = try? f.s.old.sql(
                "REASSIGN OWNED BY \(renamed) TO postgres; DROP OWNED BY \(renamed); DROP ROLE \(renamed)")
        }
        #expect(
            try f.state("SET SESSION AUTHORIZATION \(renamed); SET tandem.mode = 'tandem'; DELETE FROM t WHERE a = 3")
                == "ok")
        #expect(try f.state("SET SESSION AUTHORIZATION \(renamed); DELETE FROM t WHERE a = 4") == "25006")
        #expect(try f.state(writing) == "25006")
        #expect(
            try f.state("SET SESSION AUTHORIZATION \(role); SET tandem.mode = 'tandem'; DELETE FROM t WHERE a = 2")
                == "25006")
        let tables = try f.s.old.value(
            "SELECT count(*) FROM pg_class WHERE relnamespace = 'tandem'::regnamespace AND relkind IN ('r', 'v') AND has_table_privilege('public', oid, 'SELECT')"
        )
        #expect(tables == "0")
    }

    /// Each transaction says once who it is of, where that is wanted.
    @Test func aTransactionTellsOfItselfOnce() throws {
        let f = try Fenced("fencecensus", Self.tables)
        defer { f.s.end() }
        try f.install("t", census: .message)
        let slot = "census_\(f.s.name)"
        try f.s.old.sql("SELECT pg_create_logical_replication_slot('\(slot)', 'test_decoding')")
        defer { _ = try? f.s.old.sql("SELECT pg_drop_replication_slot('\(slot)')") }
        let web = try f.s.old.session(applicationName: "web-1")
        try web.send(
            """
            BEGIN; SELECT set_config('tandem.mode', '1', true); UPDATE t SET b = 'a' WHERE a = 1; UPDATE t SET b = 'a' WHERE a = 2;
            COMMIT; UPDATE t SET b = 'b' WHERE a = 1; SET tandem.mode = 'tandem'; UPDATE t SET b = 'c' WHERE a = 1;
            """)
        let told = try f.s.old.sql(
            "SELECT data FROM pg_logical_slot_get_changes('\(slot)', NULL, NULL) WHERE data LIKE '%prefix: tandem%'")
        #expect(told.split(separator: "\n").count == 2, "\(told)")
        #expect(
            told.contains("\"application\" : \"web-1\"") && told.contains("\"mode\" : \"1\"")
                && told.contains("\"mode\" : \"\""))
    }
}
