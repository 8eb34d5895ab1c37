#!/usr/bin/env bash
# A maintenance bypass: new is put in charge, old goes through a real pg_upgrade (to the same version, which gives another system
# identifier and takes slots and origins away like any other) while new is written, `tandem adopt` takes it in, and charge goes
# back to old. In the end both sides are equal, and nothing of tandem is left. The same at step 1, where old is in charge. At step
# 6, old's slot is gone with its server, and with it everything that only watched there.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/clusters.sh"
migration=soak
initial_copy=all

open_world upgrade
for side in old new; do
    make_cluster "$side" ''
    start_cluster "$side"
done
q old "CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text);
       CREATE TABLE loose (a int, b text); ALTER TABLE loose REPLICA IDENTITY FULL;
       INSERT INTO t (v) SELECT md5(i::text) FROM generate_series(1, 20000) i; INSERT INTO loose VALUES (1, 'one'), (1, 'one')"
write_configuration "strategy: pause
limits: {pause: 10s}
gates: {lag: 30s, verified_within: 30d}
evidence: $world/evidence"

start_run() { background run "$tandem" run --config "$world/tandem.yaml"; run=$started; }
streams() { # SIDE ROLE
    until_is "$1" "SELECT count(*) FROM tandem.stream_status WHERE at > now() - interval '3 s'
        AND status::json ->> 'state' = 'streaming' AND status::json ->> 'role' = '$2'" 1
}
said() { "$@" >>"$world/said" 2>&1 || fail "$*: $(tail -n 8 "$world/said")"; }
refused() { # EXIT-CODE COMMAND…
    local expected=$1 status=0
    shift
    "$@" >>"$world/said" 2>&1 || status=$?
    [ "$status" -eq "$expected" ] || fail "$* ended with $status, not $expected: $(tail -n 8 "$world/said")"
}
equal() { # in t and loose
    local table
    for table in t loose; do
        [ "$(content old $table)" = "$(content new $table)" ] || fail "$table differs: $(content old $table), $(content new $table)"
    done
}
upgrade_old() {
    stop_cluster old
    as_server mv "$world/old/data" "$world/old/before"
    server old initdb -D "$world/old/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null
    as_server cp "$world/old/before/postgresql.conf" "$world/old/data/postgresql.conf"
    as_server bash -c "cd '$world/old' && '$pg_bin/pg_upgrade' -b '$pg_bin' -B '$pg_bin' -d '$world/old/before' \
        -D '$world/old/data' -U postgres -s '$world/old'" >>"$world/said" 2>&1 || fail "pg_upgrade: $(tail -n 8 "$world/said")"
    as_server rm -rf "$world/old/before"
    start_cluster old
    q old 'ANALYZE'
}
waived=(--waive canary --waive rehearsed --waive statistics --reason soak)

start_run
until_is new "SELECT completed_at IS NOT NULL FROM tandem.copy" t
streams new apply

echo 'step 1: old upgraded while it is in charge'
end_background "$run"
upgrade_old
refused 6 tandem run --until caught-up
q old "INSERT INTO t (v) VALUES ('after the upgrade'); DELETE FROM t WHERE id = 5"
said tandem adopt --side old --yes
start_run
streams new apply
until_is new "SELECT count(*) FROM t WHERE v = 'after the upgrade'" 1

said tandem advance --yes
streams old watch
said tandem verify
said tandem switch --yes "${waived[@]}"
streams old apply

echo 'step 6: old upgraded while new is in charge'
q new "INSERT INTO t (v) SELECT 'before ' || i FROM generate_series(1, 500) i"
end_background "$run"
upgrade_old
q new "INSERT INTO t (v) SELECT 'meanwhile ' || i FROM generate_series(1, 500) i; UPDATE t SET v = 'changed' WHERE id <= 10;
       DELETE FROM loose WHERE ctid = (SELECT min(ctid) FROM loose)"
refused 6 timeout 60 "$tandem" run --config "$world/tandem.yaml"
refused 6 tandem switch --back --yes "${waived[@]}"
said tandem adopt --side old --yes
refused 3 tandem adopt --side old --yes
refused 1 psql -XAtq -d "$(address old)" -c "INSERT INTO t (v) VALUES ('old is shut')"
start_run
streams old apply
q new "INSERT INTO t (v) VALUES ('later')"
until_is old "SELECT count(*) FROM t WHERE v = 'later'" 1
equal
said tandem verify
said tandem switch --back --yes "${waived[@]}"
streams new apply
q old "INSERT INTO t (v) VALUES ('old again')"
until_is new "SELECT count(*) FROM t WHERE v = 'old again'" 1
equal
[ "$(q new "SELECT coalesce(sum(found), 0) FROM tandem.difference")" = 0 ] || fail 'rows were found different'
said tandem back --yes
end_background "$run"
said tandem abort --yes
nothing_left
echo "soak upgrade: passed"
echo "  PostgreSQL       $(q old 'SHOW server_version'), pg_upgrade of old at step 1 and at step 6"
echo "  rows             $(q old 'SELECT count(*) FROM t') and $(q old 'SELECT count(*) FROM loose'), equal; none found different"
