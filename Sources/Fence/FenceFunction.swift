// What every statement on a fenced table runs first, on its way into the table: takes the shared lock, then looks at the gate.
// In a transaction that has the lock already, both cost next to nothing.
//
// It is STABLE although it is about what changes: so its expressions see the statement's own snapshot, which is what the seal is
// compared with, and nobody pays for another. The gate is a sequence, read in place, for whatever snapshot. Nearly all
// statements end after the first expression; whoever is let through there is let through. tandem's own sessions say so in
// `tandem.mode`, and are believed when they are its role's.

internal import Model
internal import Postgres
internal import Protocol

/// What a statement tells the log of itself, once a transaction.
package enum Census: String, Sendable {
    case none
    /// A logical message: application_name, role and mode, with prefix `tandem`. PostgreSQL 13 does not hand them on.
    case message
}

struct FenceFunction {
    let names: FenceNames
    let side: Side
    let pair: String
    /// Where the other side is, for people; nothing secret.
    let elsewhere: String
    let census: Census
    /// The key of the lock, as a number.
    let lock: String

    /// Of PL/pgSQL; everything is in pg_catalog or qualified.
    var body: String {
        """
        BEGIN
            IF (CASE WHEN coalesce(current_setting('tandem.mode', true), '') <> 'tandem' THEN
                    (CASE WHEN pg_advisory_xact_lock_shared(\(lock)) IS NULL THEN 0
                          ELSE pg_sequence_last_value(\(literal(names.gateSQL))::regclass) END
                     & (\(WriterGate.seal) | \(mask("coalesce(current_setting('tandem.mode', true), '')"))))
                    BETWEEN 1 AND \(WriterGate.seal - 1)
                ELSE pg_has_role(session_user, current_user, 'MEMBER') END)
            THEN
                \(told)RETURN NULL;
            END IF;
            DECLARE
                declared text := coalesce(current_setting('tandem.mode', true), '');
                gate int8 := CASE WHEN pg_advisory_xact_lock_shared(\(lock)) IS NULL THEN 0
                                  ELSE coalesce(pg_sequence_last_value(\(literal(names.gateSQL))::regclass), 0) END;
                at text := format(' (tandem, pair %s, step %s)', \(literal(pair)), gate >> 8 & 255);
            BEGIN
                IF gate & (\(mask("declared"))) = 0 THEN
                    IF gate & \(WriterGate.seal - 1) = 0 THEN
                        RAISE EXCEPTION USING ERRCODE = '25006',
                            MESSAGE = \(literal("nobody writes \(side.rawValue) now; write to \(side.other.rawValue)")) || at,
                            HINT = \(literal(hint)), SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME;
                    END IF;
                    RAISE EXCEPTION USING ERRCODE = '25006',
                        MESSAGE = CASE declared
                            WHEN '' THEN \(literal("whoever writes \(side.rawValue) must say its mode now"))
                            ELSE format(\(literal("mode %s may not write \(side.rawValue) now")), quote_literal(left(declared, 20)))
                            END || at,
                        HINT = \(literal(declaring)), SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME;
                END IF;
                IF NOT pg_visible_in_snapshot(
                    pg_sequence_last_value(\(literal(names.sealSQL))::regclass)::text::xid8, pg_current_snapshot())
                THEN
                    RAISE EXCEPTION USING ERRCODE = '40001',
                        MESSAGE = 'rows have changed here that this statement cannot see' || at,
                        HINT = 'Run the whole transaction again.';
                END IF;
                \(told)RETURN NULL;
            END;
        END
        """
    }

    private var hint: String { "\(side.other.rawValue) is \(elsewhere)" }
    private var declaring: String {
        "Say it in each transaction: SELECT set_config('tandem.mode', …, true). `tandem step` shows which modes there may be."
    }

    private func mask(_ declared: String) -> String {
        let cases = Mode.allCases.map { "WHEN '\($0.rawValue)' THEN \(WriterGate.bit(of: $0))" }
        return "CASE \(declared) WHEN '' THEN \(WriterGate.undeclared) \(cases.joined(separator: " ")) ELSE 0 END"
    }

    /// The setting ends with the transaction, and with a savepoint that is rolled back, as the message does.
    private var told: String {
        guard census == .message else { return "" }
        return """
            IF coalesce(current_setting('tandem.told', true), '') = ''
                    AND coalesce(current_setting('tandem.mode', true), '') <> 'tandem'
                    AND pg_logical_emit_message(true, 'tandem', json_build_object(
                        'application', current_setting('application_name'), 'role', session_user,
                        'mode', coalesce(current_setting('tandem.mode', true), ''))::text) IS NOT NULL
                    AND set_config('tandem.told', '1', true) IS NOT NULL THEN NULL; END IF;

            """
    }

    var statement: String {
        """
        CREATE OR REPLACE FUNCTION \(names.functionSQL)() RETURNS pg_catalog.trigger
            LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS \(literal(body))
        """
    }
}
