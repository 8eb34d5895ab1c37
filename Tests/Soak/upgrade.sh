#!/usr/bin/env bash
# A maintenance bypass: new is put in charge, old goes through a real pg_upgrade (to the same version, which gives another system
# identifier and takes slots and origins away like any other) while new is written, `tandem adopt` takes it in, and charge goes
# back to old. In the end both sides are equal, and nothing of tandem is left. The same at step 1, where old is in charge. At step
# 6, old's slot is gone with its server, and with it everything that only watched there. TANDEM_TEST_OLD=17 UPGRADE_TO=18 goes to
# another version the first time; from 17 on pg_upgrade takes slots along that have everything, and refuses when one has not: then it
# is dropped by hand, as pg_upgrade asks for.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/clusters.sh"
migration=soak
initial_copy=all

find_postgres
version=${TANDEM_TEST_OLD:-$(basename "${pg_bin%/bin}")} next=${UPGRADE_TO:-${TANDEM_TEST_OLD:-}}
further_versions=$next
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
# What a version of pg_upgrade is run within has the programs of its own version: those of the former one are mounted there, and the
# libraries that it lacks for them are lent.
mounted=()
trap 'ended=$?; for place in "${mounted[@]}"; do umount "$place"; done; close_world $ended' EXIT
lend() { # FORMER NEXT
    local here=${releases[$2]} place name
    for place in usr/lib/postgresql/$1 usr/share/postgresql/$1; do
        mkdir -p "$here/$place"
        mount --bind "${releases[$1]:-}/$place" "$here/$place"
        mounted+=("$here/$place")
    done
    mkdir -p "$world/lent"
    for name in postgres pg_ctl pg_dump pg_resetwal; do
        while read -r library; do cp -L "$(find "${releases[$1]:-}/usr/lib" "${releases[$1]:-}/lib" -name "$library" | head -n 1)" "$world/lent/"
        done < <(chroot "$here" env LD_LIBRARY_PATH="$world/lent" ldd "/usr/lib/postgresql/$1/bin/$name" | awk '/not found/ { print $1 }')
    done
    # What the lent ones lack themselves.
    for name in "$world"/lent/*; do
        [ -f "$name" ] || continue
        while read -r library; do cp -nL "$(find "${releases[$1]:-}/usr/lib" -name "$library" | head -n 1)" "$world/lent/"
        done < <(chroot "$here" env LD_LIBRARY_PATH="$world/lent" ldd "$name" | awk '/not found/ { print $1 }')
    done
}
upgraded=''
upgrade_old() {
    local from=/usr/lib/postgresql/$version/bin to checksums=() slots
    local target=${next:-$version}
    to=/usr/lib/postgresql/$target/bin
    [ -n "${releases[$target]:-}" ] || [ "$version" = "$target" ] || fail "There is no pg_upgrade to $target here."
    [ "$version" = "$target" ] || lend "$version" "$target"
    # PostgreSQL's own affair: some minor versions keep a number there that others do not take, pg_upgrade included.
    q old "UPDATE pg_attribute SET attoptions = NULL WHERE attrelid >= 16384 AND attoptions::text LIKE '{pg_attver=%'"
    slots=$(q old 'SELECT count(*) FROM pg_replication_slots')
    if [ "$target" -ge 18 ] && [ "$(q old 'SHOW data_checksums')" = off ]; then checksums=(--no-data-checksums); fi
    stop_cluster old
    end_background "$run"
    as_server mv "$world/old/data" "$world/old/before"
    until
        [ -z "$next" ] || TANDEM_TEST_OLD=$next
        server old initdb -D "$world/old/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync "${checksums[@]}" >/dev/null
        as_server cp "$world/old/before/postgresql.conf" "$world/old/data/postgresql.conf"
        attempt >"$world/upgrade.out" 2>&1
    do
        cat "$world/upgrade.out" >>"$world/said"
        grep -q 'logical replication slots that cannot be upgraded' "$world/upgrade.out" && [ "$slots" -gt 0 ] ||
            fail "pg_upgrade: $(tail -n 8 "$world/upgrade.out")"
        as_server rm -rf "$world/old/data"
        as_server mv "$world/old/before" "$world/old/data"
        [ -z "$next" ] || TANDEM_TEST_OLD=$version
        start_cluster old
        q old 'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots' >/dev/null
        slots=0
        stop_cluster old
        as_server mv "$world/old/data" "$world/old/before"
    done
    as_server rm -rf "$world/old/before"
    start_cluster old
    upgraded+="${upgraded:+, then }from $version to $target ($(q old 'SELECT count(*) FROM pg_replication_slots') slots came along)"
    version=$target
    q old 'ANALYZE'
}
attempt() {
    local command="cd '$world/old' && LD_LIBRARY_PATH='$world/lent' '$to/pg_upgrade' -b '$from' -B '$to' -d '$world/old/before' -D '$world/old/data' -U postgres -s '$world/old'"
    if [ -n "${releases[$target]:-}" ]; then
        chroot --userspec="$(id -u postgres):$(id -g postgres)" "${releases[$target]}" bash -c "$command"
    else
        as_server bash -c "$command"
    fi
}
waived=(--waive canary --waive rehearsed --waive statistics --reason soak)

start_run
until_is new "SELECT completed_at IS NOT NULL FROM tandem.copy" t
streams new apply

echo 'step 1: old upgraded while it is in charge'
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
echo "  PostgreSQL       $(q old 'SHOW server_version'), pg_upgrade of old at step 1 and at step 6: $upgraded"
echo "  rows             $(q old 'SELECT count(*) FROM t') and $(q old 'SELECT count(*) FROM loose'), equal; none found different"
