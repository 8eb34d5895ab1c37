// What every statement on a fenced table runs first, on its way into the table: takes the shared lock, then looks at the gate.
// In a transaction that has the lock already, both cost next to nothing.
//
// It is STABLE although it is about what changes: so its expressions see the statement's own snapshot, which is what the seal is
// compared with, and nobody pays for another. It runs as who writes, with that one's `search_path`: to change either for a
// statement costs more than all it does. So everything in it is qualified, and functions stand where operators would be looked
// for; the gate may be read by everybody. tandem's own sessions say so in `tandem.mode`, and are believed when they are of the
// role that owns the gate, whatever it is called by now; nobody else pays for that question.
//
// PL/pgSQL makes an expression ready once a transaction for each table, and that is most of what all this costs: so who declares
// nothing ends after one that is as small as can be, and who declares a mode after three.

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

    /// Of PL/pgSQL. What the gate lets through is what is left of it, positive once the seal has become the sign. `RETURN NEW`
    /// gives back nothing, as `RETURN NULL` does, without an expression to be made ready.
    var body: String {
        """
        BEGIN
            IF (CASE WHEN pg_catalog.textne(\(Self.declared), '') THEN false
                WHEN pg_catalog.pg_advisory_xact_lock_shared(\(lock)) IS NULL THEN false
                ELSE pg_catalog.int8eq(pg_catalog.int8and(\(lastValue(names.gateSQL)),
                    \(WriterGate.undeclared | WriterGate.seal)), \(WriterGate.undeclared)) END)
            THEN
                \(told)RETURN NEW;
            END IF;
            DECLARE
                declared pg_catalog.text := \(Self.declared);
            BEGIN
                IF (CASE WHEN pg_catalog.texteq(declared, 'tandem') THEN false
                    WHEN pg_catalog.pg_advisory_xact_lock_shared(\(lock)) IS NULL THEN false
                    ELSE pg_catalog.int8gt(pg_catalog.int8shl(pg_catalog.int8and(\(lastValue(names.gateSQL)),
                        \(bits(with: WriterGate.seal))), \(WriterGate.seal.leadingZeroBitCount)), 0) END)
                THEN
                    \(told)RETURN NEW;
                END IF;
                IF pg_catalog.texteq(declared, 'tandem') AND pg_catalog.pg_has_role(session_user,
                    (SELECT c.relowner FROM pg_catalog.pg_class c
                      WHERE c.oid OPERATOR(pg_catalog.=) \(literal(names.gateSQL))::pg_catalog.regclass), 'MEMBER')
                THEN
                    RETURN NEW;
                END IF;
                DECLARE
                    gate pg_catalog.int8 := CASE WHEN pg_catalog.pg_advisory_xact_lock_shared(\(lock)) IS NULL THEN 0
                        ELSE COALESCE(\(lastValue(names.gateSQL)), 0) END;
                    at pg_catalog.text := pg_catalog.format(' (tandem, pair %s, step %s)', \(literal(pair)),
                        pg_catalog.int8and(pg_catalog.int8shr(gate, 8), 255));
                BEGIN
                    IF pg_catalog.int8eq(pg_catalog.int8and(gate, \(bits(with: 0))), 0) THEN
                        IF pg_catalog.int8eq(pg_catalog.int8and(gate, \(WriterGate.seal - 1)), 0) THEN
                            RAISE EXCEPTION USING ERRCODE = '25006',
                                MESSAGE = pg_catalog.concat(
                                    \(literal("nobody writes \(side.rawValue) now; write to \(side.other.rawValue)")), at),
                                HINT = \(literal(hint)), SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME;
                        END IF;
                        RAISE EXCEPTION USING ERRCODE = '25006',
                            MESSAGE = pg_catalog.concat(CASE WHEN pg_catalog.texteq(declared, '')
                                THEN \(literal("whoever writes \(side.rawValue) must say its mode now"))
                                ELSE pg_catalog.format(\(literal("mode %s may not write \(side.rawValue) now")),
                                    pg_catalog.quote_literal(pg_catalog."left"(declared, 20))) END, at),
                            HINT = \(literal(declaring)), SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME;
                    END IF;
                    IF NOT pg_catalog.pg_visible_in_snapshot(
                        \(lastValue(names.sealSQL))::pg_catalog.text::pg_catalog.xid8, pg_catalog.pg_current_snapshot())
                    THEN
                        RAISE EXCEPTION USING ERRCODE = '40001',
                            MESSAGE = pg_catalog.concat('rows have changed here that this statement cannot see', at),
                            HINT = 'Run the whole transaction again.';
                    END IF;
                    \(told)RETURN NEW;
                END;
            END;
        END
        """
    }

    private static let declared = "COALESCE(pg_catalog.current_setting('tandem.mode', true), '')"

    private func lastValue(_ sequence: String) -> String {
        "pg_catalog.pg_sequence_last_value(\(literal(sequence))::pg_catalog.regclass)"
    }

    private var hint: String { "\(side.other.rawValue) is \(elsewhere)" }
    private var declaring: String {
        "Say it in each transaction: SELECT set_config('tandem.mode', …, true). `tandem step` shows which modes there may be."
    }

    /// Which bit of the gate lets pass who has declared that, and those others.
    private func bits(with others: Int64) -> String {
        let cases = Mode.allCases.map {
            "WHEN pg_catalog.texteq(declared, '\($0.rawValue)') THEN \(WriterGate.bit(of: $0) | others)"
        }
        return "CASE WHEN pg_catalog.texteq(declared, '') THEN \(WriterGate.undeclared | others)"
            + " \(cases.joined(separator: " ")) ELSE \(others) END"
    }

    /// The setting ends with the transaction, and with a savepoint that is rolled back, as the message does. What is asked for
    /// each table of a transaction is asked by itself.
    private var told: String {
        guard census == .message else { return "" }
        return """
            IF pg_catalog.texteq(COALESCE(pg_catalog.current_setting('tandem.told', true), ''), '') THEN
                IF pg_catalog.pg_logical_emit_message(true, 'tandem', pg_catalog.json_build_object(
                        'application', pg_catalog.current_setting('application_name'), 'role', session_user,
                        'mode', \(Self.declared))::pg_catalog.text) IS NOT NULL
                    AND pg_catalog.set_config('tandem.told', '1', true) IS NOT NULL THEN NULL; END IF;
            END IF;

            """
    }

    var statement: String {
        """
        CREATE OR REPLACE FUNCTION \(names.functionSQL)() RETURNS pg_catalog.trigger
            LANGUAGE plpgsql STABLE AS \(literal(body))
        """
    }
}
