#!/usr/bin/env bash
# Where applications write both sides (strategy `dual-write`): at each of the steps 2 to 6 both sides go through a real pg_upgrade, one
# after the other, to the same version, which gives another system identifier and takes slots and origins away like any other.
# A step is refused then, `tandem adopt` takes the side in, applications go on, and both sides are equal. In the end nothing of
# tandem is left. STEPS="3 5" tries these alone.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/clusters.sh"
migration=soak

open_world upgrade-dual
for side in old new; do
    make_cluster "$side" ''
    start_cluster "$side"
done
both "CREATE TABLE t (id bigserial PRIMARY KEY, v text, n int NOT NULL DEFAULT 0); CREATE TABLE u (id int PRIMARY KEY, name text UNIQUE)"
initial_copy=none
write_configuration "strategy: dual-write
fleet: [\"web-*\"]
limits: {pause: 10s}
gates: {lag: 30s, quiet: 1s, verified_within: 30d}
evidence: $world/evidence"
waived=(--yes --waive canary --waive rehearsed --waive statistics --waive verified --reason soak)

start_run() { background run "$tandem" run --config "$world/tandem.yaml"; run=$started; }
said() { "$@" >>"$world/said" 2>&1 || fail "$*: $(tail -n 8 "$world/said")"; }
refused() { # EXIT-CODE COMMAND…
    local expected=$1 status=0
    shift
    "$@" >>"$world/said" 2>&1 || status=$?
    [ "$status" -eq "$expected" ] || fail "$* ended with $status, not $expected: $(tail -n 8 "$world/said")"
}
# As instance web-1 in a mode writes a side.
write() { # SIDE MODE SQL
    PGAPPNAME=web-1 q "$1" "BEGIN; SELECT set_config('tandem.mode', '$2', true); $3; COMMIT" >/dev/null
}
serve() { # MODE SQL: on the sides that the mode writes
    case $1 in
    1) PGAPPNAME=web-1 q old "$2" ;;
    6) write new 6 "$2" ;;
    *) write old "$1" "$2" && write new "$1" "$2" ;;
    esac
}
count=0
# A row nobody else has, and one that is there. One psql after the other is no nested write: the stream may bring a row before its
# twin is written, so both say what they want and not by how much.
fresh() { # MODE
    count=$((count + 1))
    serve "$1" "INSERT INTO u VALUES ($count, 'n$count') ON CONFLICT DO NOTHING; UPDATE t SET n = $count WHERE id = $((count % 40 + 1))"
}
settled() { # until both streams have passed what is there now
    local side stream
    for stream in old:forward new:reverse old:forward; do
        side=${stream%:*}
        [ "$(q "$side" "SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'tandem_soak_main_${stream#*:}'")" = 1 ] || continue
        until_is "$side" "SELECT confirmed_flush_lsn >= '$(q "$side" 'SELECT pg_current_wal_insert_lsn()')' FROM pg_replication_slots
            WHERE slot_name = 'tandem_soak_main_${stream#*:}'" t
    done
}
equal() {
    local table
    settled
    for table in t u; do
        [ "$(content old $table)" = "$(content new $table)" ] || fail "step $step: $table differs: $(content old $table), $(content new $table)"
    done
}
roles() { # FORWARD REVERSE
    until_is new "SELECT status::json ->> 'role' || ' ' || (status::json ->> 'state') FROM tandem.stream_status
        WHERE stream = 'tandem_soak_main_forward' AND at > now() - interval '3 s'" "$1 streaming"
    [ "$2" = off ] || until_is old "SELECT status::json ->> 'role' || ' ' || (status::json ->> 'state') FROM tandem.stream_status
        WHERE stream = 'tandem_soak_main_reverse' AND at > now() - interval '3 s'" "$2 streaming"
}
upgrade() { # SIDE
    stop_cluster "$1"
    as_server mv "$world/$1/data" "$world/$1/before"
    server "$1" initdb -D "$world/$1/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null
    as_server cp "$world/$1/before/postgresql.conf" "$world/$1/data/postgresql.conf"
    as_server bash -c "cd '$world/$1' && '$pg_bin/pg_upgrade' -b '$pg_bin' -B '$pg_bin' -d '$world/$1/before' \
        -D '$world/$1/data' -U postgres -s '$world/$1'" >>"$world/said" 2>&1 || fail "pg_upgrade: $(tail -n 8 "$world/said")"
    as_server rm -rf "$world/$1/before"
    start_cluster "$1"
    q "$1" 'ANALYZE'
}
# A side is upgraded with `run` stopped, while applications write the side in charge; then it is taken in.
replace() { # SIDE MODE FORWARD REVERSE
    local charge=old
    [ "$step" -lt 6 ] || charge=new
    end_background "$run"
    upgrade "$1"
    count=$((count + 1))
    # What the other side hears of only by being made equal: its twin is not written.
    if [ "$step" -eq 2 ]; then
        serve 1 "INSERT INTO u VALUES ($count, 'n$count')"
    else
        write "$charge" "$2" "INSERT INTO u VALUES ($count, 'n$count')"
    fi
    refused 6 tandem back "${waived[@]}"
    said tandem adopt --side "$1" --dry-run
    said tandem adopt --side "$1" --yes
    refused 3 tandem adopt --side "$1" --yes
    start_run
    roles "$3" "$4"
    fresh "$2"
    equal
    upgrades="$upgrades $1@$step"
}
onward() { # MODE: until the gates hold
    local left=60
    until tandem advance "${waived[@]}" >>"$world/said" 2>&1; do
        [ $((left--)) -gt 0 ] || fail "advance from $step: $(tail -n 12 "$world/said")"
        fresh "$1"
        sleep 0.3
    done
    step=$((step + 1))
}
backward() { # MODE
    local left=60
    until tandem back "${waived[@]}" >>"$world/said" 2>&1; do
        [ $((left--)) -gt 0 ] || fail "back from $step: $(tail -n 12 "$world/said")"
        fresh "$1"
        sleep 0.3
    done
    step=$((step - 1))
}
wanted() { case " ${STEPS:-2 3 4 5 6} " in *" $step "*) ;; *) return 1 ;; esac; }

upgrades=''
step=1
prepare_and_release
start_run
q old "INSERT INTO t (v) SELECT 'v' || i FROM generate_series(1, 40) i"
settled
onward 1
echo "step $step"
if wanted; then replace old 1 apply off; replace new 1 apply off; fi
onward 1
for each in 3 4 5; do
    echo "step $step"
    forward=apply
    [ "$step" -lt 5 ] || forward=watch
    fresh "$step"
    if wanted; then replace new "$step" $forward watch; replace old "$step" $forward watch; fi
    onward "$step"
done
echo "step $step"
fresh 6
if wanted; then replace old 6 watch apply; replace new 6 watch apply; fi
equal
backward 5
backward 4
backward 3
backward 1
backward 1
equal
end_background "$run"
said tandem abort --yes
nothing_left
echo "soak upgrade-dual: passed"
echo "  PostgreSQL       $(q old 'SHOW server_version'); pg_upgrade at:$upgrades"
echo "  rows             $(q old 'SELECT count(*) FROM t') and $(q old 'SELECT count(*) FROM u'), equal"
