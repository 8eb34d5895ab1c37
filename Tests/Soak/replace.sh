#!/usr/bin/env bash
# tandem itself is replaced in the middle of a migration: an earlier one copies and streams while old is written, is killed with
# SIGKILL, and this one goes on with what the other has made in both databases. Once in the middle of the copy, once between copy and
# stream, then at moments of the stream that nobody chose; each round from the beginning. Everything acknowledged by old must be on
# new, row by row and by `tandem verify`; nothing may have been found different on the way; and what this one does at later steps (the
# switch, there and back) must work on what the earlier one began. In the end nothing of either is left.
#
#     EARLIER  the earlier one: see scripts/earlier.sh
#     ROUNDS   rounds in all, 4 unless set
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/clusters.sh"
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/earlier.sh"
migration=soak
initial_copy=all

open_world replace
find_earlier
for side in old new; do
    make_cluster "$side" 'max_wal_senders=20'
    start_cluster "$side"
done

said() { "$@" >"$world/said" 2>&1 || fail "$* ended with $?: $(tail -n 12 "$world/said")"; }
tables=(public.journal public.stock public.loose)

# What writes: every transaction leaves a row in the journal, and changes, moves or deletes others.
cat >"$world/write.sql" <<'SQL'
\set id random(1, 40000)
\set other random(1, 40000)
BEGIN;
UPDATE public.stock SET n = n + 1, note = CASE WHEN random() < 0.2 THEN repeat(md5(random()::text), 100) ELSE note END WHERE id = :id;
DELETE FROM public.stock WHERE id = :other;
INSERT INTO public.stock VALUES (:other, 0, md5(random()::text)) ON CONFLICT DO NOTHING;
INSERT INTO public.loose SELECT :id, 'x' WHERE :id % 50 = 0;
UPDATE public.loose SET b = b || 'y' WHERE ctid = (SELECT min(ctid) FROM public.loose) AND :id % 50 = 1;
INSERT INTO public.journal (at) VALUES (clock_timestamp());
COMMIT;
SQL

began=$(now)
transactions=0
for ((round = 1; round <= ${ROUNDS:-4}; round++)); do
    q old "CREATE TABLE public.journal (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL);
        CREATE TABLE public.stock (id int PRIMARY KEY, n int NOT NULL, note text);
        CREATE TABLE public.loose (a int, b text); ALTER TABLE public.loose REPLICA IDENTITY FULL;
        INSERT INTO public.stock SELECT i, i, repeat(md5(i::text), 1 + i % 20) FROM generate_series(1, 40000) i;
        INSERT INTO public.loose SELECT i / 2, 'one' FROM generate_series(1, 200) i"
    # Only what every version knows; what the later one knows besides is written when it is there.
    write_configuration "jobs: 2
evidence: $world/evidence-$round"
    background write "$pg_bin/pgbench" -n -f "$world/write.sql" -c 2 -R 300 -T 3600 -d "$(address old)"
    write=$started
    background "run-$round-earlier" "$earlier" run --config "$world/tandem.yaml"
    run=$started
    case $round in
    1)
        moment='in the middle of the copy'
        until_is new "SELECT count(*) > 0 FROM tandem.copied_table" t "$run"
        ;;
    2)
        moment='when all is copied'
        until_is new "SELECT completed_at IS NOT NULL FROM tandem.copy" t "$run"
        ;;
    *)
        moment='while it streams'
        until_is new "SELECT completed_at IS NOT NULL FROM tandem.copy" t "$run"
        sleep "$((RANDOM % 4)).$((RANDOM % 10))"
        ;;
    esac
    kill -KILL -- "-$run"
    wait "$run" 2>/dev/null || true
    copied=$(q new "SELECT count(*) FILTER (WHERE until_lsn IS NOT NULL) || ' of ' || count(*) FROM tandem.copied_table")
    was="$(layout old) and $(layout new)"

    write_configuration "jobs: 2
strategy: pause
limits: {pause: 10s}
gates: {lag: 30s, verified_within: 30d}
evidence: $world/evidence-$round"
    background "run-$round" "$tandem" run --config "$world/tandem.yaml"
    run=$started
    until_is new "SELECT completed_at IS NOT NULL FROM tandem.copy" t "$run"
    sleep 3
    end_background "$write"
    # What commits after the last write has arrived: so has everything before it.
    q old "INSERT INTO public.journal (at) VALUES ('infinity')"
    until_is new "SELECT count(*) FROM public.journal WHERE at = 'infinity'" 1 "$run"
    for table in "${tables[@]}"; do
        [ "$(content old "$table")" = "$(content new "$table")" ] || fail "$table differs: old $(content old "$table"), new $(content new "$table")"
    done
    [ "$(q new 'SELECT coalesce(sum(found), 0) FROM tandem.difference')" = 0 ] || fail 'rows were found different on the way'
    transactions=$((transactions + $(q new 'SELECT count(*) FROM public.journal')))
    said tandem verify
    said tandem status
    said tandem step
    said tandem evidence verify
    is="$(layout old) and $(layout new)"
    [ "$(layout new)" -ge "${was##* }" ] || fail "layout $is"
    echo "round $round: killed $moment ($copied tables copied), layouts $was, then $is; equal"

    # This one's later steps on what that one began.
    said tandem advance --yes
    until_is old "SELECT count(*) FROM tandem.stream_status WHERE at > now() - interval '3 s'
        AND status::json ->> 'state' = 'streaming' AND status::json ->> 'role' = 'watch'" 1 "$run"
    waived=(--waive canary --waive rehearsed --waive statistics --reason soak)
    said tandem switch --yes "${waived[@]}"
    q new "INSERT INTO public.journal (at) VALUES ('infinity'); DELETE FROM public.stock WHERE id <= 10"
    until_is old "SELECT count(*) FROM public.journal WHERE at = 'infinity'" 2 "$run"
    said tandem verify
    said tandem switch --back --yes "${waived[@]}"
    q old "INSERT INTO public.journal (at) VALUES ('infinity')"
    until_is new "SELECT count(*) FROM public.journal WHERE at = 'infinity'" 3 "$run"
    for table in "${tables[@]}"; do
        [ "$(content old "$table")" = "$(content new "$table")" ] || fail "$table differs after the switches"
    done
    said tandem back --yes
    end_background "$run"
    said tandem abort --yes
    nothing_left
    both 'DROP TABLE public.journal, public.stock, public.loose'
done
echo "soak replace: passed"
echo "  PostgreSQL       $(q old 'SHOW server_version')"
echo "  earlier          $earlier_name"
echo "  rounds           $((round - 1)), $transactions transactions, $(since "$began") s"
