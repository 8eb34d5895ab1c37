#!/usr/bin/env bash
# A target that stands still does not break the stream: a table on new is locked for LOCKED seconds (60) while old has
# wal_sender_timeout = 5s and is being written. The same walsender must serve all along, nothing may be acknowledged
# that new does not have, and afterwards new catches up.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/clusters.sh"

locked=${LOCKED:-60}
migration=soak

open_world locked
make_cluster old 'fsync=off wal_sender_timeout=5s'
make_cluster new 'fsync=off'
start_cluster old
start_cluster new
write_configuration
both 'CREATE TABLE t (id bigserial PRIMARY KEY, v text)'
prepare_and_release
background run "$tandem" run --config "$world/tandem.yaml"
replicator=$started
echo "INSERT INTO t (v) VALUES (repeat('x', 500))" >"$world/write.sql"
background writers pgbench -n -c 2 -T 86400 --rate 300 -f "$world/write.sql" "$(address old)"
writers=$started
left=200
until [ "$(q new 'SELECT count(*) > 500 FROM t')" = t ]; do
    [ $((left--)) -gt 0 ] || fail "new does not follow: $(tail -n 3 "$world/run.log")"
    sleep 0.1
done

walsender() { q old "SELECT active_pid FROM pg_replication_slots WHERE slot_name = '$stream'"; }

lock_table new t
# What was committed on new before the lock may still be flushed and told.
sleep 2
sender=$(walsender) told=$(confirmed) moved=0 changed=0
began=$SECONDS
while [ $((SECONDS - began)) -lt "$locked" ]; do
    [ "$(walsender)" = "$sender" ] || changed=$((changed + 1))
    [ "$(confirmed)" = "$told" ] || moved=$((moved + 1))
    sleep 0.2
done
shown=$(tandem lag)
unlock_table new
end_background "$writers"
catching=$(now)
# The runner that lived through it is the one that catches up.
end=$(q old 'SELECT pg_current_wal_lsn()')
left=1200
until [ "$(q new "SELECT '$(progress)'::pg_lsn >= '$end'")" = t ]; do
    [ $((left--)) -gt 0 ] || fail "FAILED: new does not catch up: $(tail -n 3 "$world/run.log")"
    sleep 0.1
done
catching=$(since "$catching")
same=$([ "$(walsender)" = "$sender" ] && echo yes || echo no)
end_background "$replicator"
verdict=passed
[ "$changed" -eq 0 ] && [ "$moved" -eq 0 ] && [ "$same" = yes ] || verdict=FAILED
[ "$(content old t)" = "$(content new t)" ] || verdict='FAILED: the sides differ'
cat <<END

soak locked: $verdict
  locked           $locked s, wal_sender_timeout 5 s; walsender $sender changed $changed times, serves still: $same
  acknowledged     $told throughout, moved $moved times
  lag meanwhile    $shown
  afterwards       caught up in $catching s; $(content new t | cut -d' ' -f1) rows, equal
END
[ "$verdict" = passed ]
