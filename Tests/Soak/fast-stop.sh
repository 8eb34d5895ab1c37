#!/usr/bin/env bash
# Old can be stopped: `pg_ctl stop -m fast` on old must come to its end within 30 s although new is blocked by a lock and
# nothing moves. Afterwards, with old up again and the lock gone, new catches up.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/clusters.sh"

limit=30
migration=soak

open_world fast-stop
make_cluster old 'fsync=off'
make_cluster new 'fsync=off'
start_cluster old
start_cluster new
write_configuration
both 'CREATE TABLE t (id bigint PRIMARY KEY, v text)'
prepare_and_release
background run "$tandem" run --config "$world/tandem.yaml"
replicator=$started
q old "INSERT INTO t SELECT g, 'before' FROM generate_series(1, 1000) AS g"
left=200
until [ "$(q new 'SELECT count(*) FROM t')" = 1000 ]; do
    [ $((left--)) -gt 0 ] || fail 'new does not follow'
    sleep 0.1
done

lock_table new t
# Enough that it does not fit into any buffer on the way.
for part in 1 2 3 4 5; do
    q old "INSERT INTO t SELECT $part * 1000000 + g, repeat(md5(g::text), 20) FROM generate_series(1, 50000) AS g"
done
sleep 3
began=$(now)
stop_cluster old fast
took=$(since "$began")
is_running "$replicator" || fail "FAILED: tandem run ended: $(tail -n 3 "$world/run.log")"
start_cluster old
q old "INSERT INTO t VALUES (-1, 'after')"
unlock_table new
catching=$(now)
left=1200
until [ "$(q new 'SELECT count(*) FROM t WHERE id = -1')" = 1 ]; do
    [ $((left--)) -gt 0 ] || fail "FAILED: new does not catch up: $(tail -n 3 "$world/run.log")"
    sleep 0.1
done
catching=$(since "$catching")
end_background "$replicator"
verdict=passed
[ "$(content old t)" = "$(content new t)" ] || verdict='FAILED: the sides differ'
awk -v t="$took" -v l="$limit" 'BEGIN { exit t > l }' || verdict="FAILED: more than $limit s"
cat <<END

soak fast-stop: $verdict
  stop of old      $took s (pg_ctl stop -m fast, new blocked, 250,000 rows on the way)
  afterwards       the same tandem run caught up $catching s after the lock was gone; $(content new t | cut -d' ' -f1) rows, equal
END
[ "$verdict" = passed ]
