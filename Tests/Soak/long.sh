#!/usr/bin/env bash
# Hours instead of minutes: MINUTES (60, or the first argument) in all, while pgbench moves money on old without a break at RATE (200)
# transactions a second, SCALE 100. A half of the time tandem is killed every KILL_EVERY (30) seconds, with new crashed or old's
# sessions ended in between; a sixth of it tandem is away, and has to catch up while the load goes on; for a third nothing happens,
# but for one transaction that is open all that time and writes a row a second, and its memory and descriptors may not grow. It is
# killed once more in the middle of that. Each snapshot of new that is looked at has to show one total in accounts, tellers, branches and
# history; in the end both sides are equal.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/clusters.sh"

minutes=${1:-${MINUTES:-60}} scale=${SCALE:-100} rate=${RATE:-200} kill_every=${KILL_EVERY:-30}
migration=soak

open_world long
settings='fsync=off synchronous_commit=off log_checkpoints=off shared_buffers=512MB'
make_cluster old "$settings"
make_cluster new "$settings"
start_cluster old
start_cluster new
write_configuration
pgbench -i -q -s "$scale" "$(address old)" >"$world/init.log" 2>&1
q old 'ALTER TABLE pgbench_history REPLICA IDENTITY FULL'
q old 'CREATE TABLE trickle (id bigint PRIMARY KEY, v text)'
pg_dump --schema-only -d "$(address old)" | psql -Xq -v ON_ERROR_STOP=1 -d "$(address new)" >/dev/null
prepare_and_hold
pg_dump --snapshot="$snapshot" --data-only --schema=public -d "$(address old)" |
    psql -Xq -v ON_ERROR_STOP=1 -d "$(address new)" >/dev/null
release_snapshot

background load pgbench -n -c 8 -j 2 -T 864000 --rate "$rate" "$(address old)"
load=$started
# A snapshot of so many rows takes a while itself.
cat >"$world/invariant.sql" <<'SQL'
SET default_transaction_isolation = 'repeatable read';
SELECT a, a = b AND b = t AND t = h
  FROM (SELECT (SELECT sum(abalance) FROM pgbench_accounts), (SELECT sum(bbalance) FROM pgbench_branches),
               (SELECT sum(tbalance) FROM pgbench_tellers), (SELECT coalesce(sum(delta), 0) FROM pgbench_history))
       AS totals(a, b, t, h)
SQL
look() { psql -XAtq -d "$(address new)" -f "$world/invariant.sql" >>"$world/totals.log" 2>/dev/null || true; }
healthy() {
    is_running "$load" || fail "pgbench: $(tail -n 3 "$world/load.log")"
    ! grep -q '|f$' "$world/totals.log" || fail "FAILED: new showed half a transaction: $(grep -m 3 '|f$' "$world/totals.log")"
    [ "$(q old "SELECT '$(confirmed)'::pg_lsn <= '$(progress)'::pg_lsn")" = t ] || fail 'FAILED: the slot is ahead of new'
}
start_run() { background run "$tandem" run --config "$world/tandem.yaml"; run=$started; }
kill_run() {
    is_running "$run" || fail "FAILED: tandem run ended by itself: $(tail -n 3 "$world/run.log")"
    kill -KILL "$run"
    wait "$run" 2>/dev/null || true
}
caught_up() { # until new has what old has now; prints how long it took
    local began end
    began=$(now) end=$(q old 'SELECT pg_current_wal_lsn()')
    until [ "$(q new "SELECT '$(progress)'::pg_lsn >= '$end'" 2>/dev/null)" = t ]; do
        is_running "$run" || fail "FAILED: tandem run ended by itself: $(tail -n 3 "$world/run.log")"
        awk -v t="$(since "$began")" -v l=$((minutes * 60 + 120)) 'BEGIN { exit t <= l }' && fail "FAILED: it never catches up: $(tandem lag)"
        sleep 0.2
    done
    took=$(since "$began")
}
whole=$((minutes * 60)) report=''
note() {
    local line
    line=$(printf '  %-16s %s' "$1" "$2")
    echo "$line"
    report+=$line$'\n'
}
at() { q old 'SELECT pg_current_wal_lsn()'; }
megabytes() { q old "SELECT round(('$2'::pg_lsn - '$1'::pg_lsn) / 1048576.0)"; } # FROM TO

kills=0 crashes=0 sessions=0 began=$SECONDS
while [ $((SECONDS - began)) -lt $((whole / 2)) ]; do
    start_run
    sleep "$kill_every"
    look
    healthy
    case $((kills % 4)) in
    1) stop_cluster new immediate; crashes=$((crashes + 1)); sleep 2; start_cluster new; sleep 5 ;;
    3) q old "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '$stream%'" >/dev/null
       sessions=$((sessions + 1)); sleep 5 ;;
    esac
    kill_run
    kills=$((kills + 1))
done
note 'faults' "$((SECONDS - began)) s: $kills kills, $crashes crashes of new, sessions on old ended $sessions times"

from=$(at) began=$SECONDS
sleep $((whole / 6))
away=$((SECONDS - began)) backlog=$(megabytes "$from" "$(at)")
start_run
from=$(at)
caught_up
note 'away' "$away s, $backlog MB of log; caught up with what was there in $took s, while $(megabytes "$from" "$(at)") MB more were written"
caught_up
healthy

background open psql -XAtq -d "$(address old)" -c BEGIN -c "DO \$\$ BEGIN FOR i IN 1..$((whole / 3)) LOOP
    INSERT INTO trickle VALUES (i, 'slowly'); PERFORM pg_sleep(1); END LOOP; END \$\$" -c COMMIT
open=$started
measure() { # SECONDS: compares the first third and the last, each by the sample whose memory is its median
    local until=$((SECONDS + $1)) of
    of=$run
    : >"$world/samples"
    while [ "$SECONDS" -lt "$until" ]; do
        echo "$(awk '/^RssAnon/ { print $2 }' "/proc/$of/status") $(ls "/proc/$of/fd" | wc -l) $(awk '/^Threads/ { print $2 }' "/proc/$of/status")" >>"$world/samples"
        sleep 2
    done
    look
    healthy
    local all third first last
    all=$(wc -l <"$world/samples") third=$((all / 3))
    first=$(head -n "$third" "$world/samples" | median) last=$(tail -n "$third" "$world/samples" | median)
    note 'steady' "$1 s, first and last third: kB of memory, descriptors, threads $first and $last"
    # Buffers may come to their size once; more than that is a leak.
    awk -v f="$first" -v l="$last" 'BEGIN { split(f, a, " "); split(l, b, " "); exit !(b[1] <= a[1] + 8192 && b[2] <= a[2] + 2 && b[3] <= a[3] + 2) }' ||
        fail 'FAILED: memory, descriptors or threads grow'
}
median() { sort -n | awk '{ row[NR] = $0 } END { print row[int((NR + 1) / 2)] }'; }
measure $((whole / 6))
kill_run
start_run
caught_up
note 'killed' "with the transaction open for $((whole / 6)) s: caught up in $took s"
measure $((whole / 6))
wait "$open" || fail "the open transaction: $(tail -n 3 "$world/open.log")"
end_background "$load"
caught_up
note 'at the end' "caught up in $took s"
until_is new 'SELECT count(*) FROM trickle' $((whole / 3))
end_background "$run"
look
healthy_totals=$(grep -c '|t$' "$world/totals.log" || true) different=$(grep '|t$' "$world/totals.log" | sort -u | wc -l)
verdict=passed
[ "$different" -gt 1 ] || verdict='FAILED: new does not move'
! grep -q '|f$' "$world/totals.log" || verdict='FAILED: half a transaction'
whole_content() { q "$1" "SELECT count(*), sum(hashtextextended(t::text, 0)::numeric) FROM $2 AS t"; }
for table in pgbench_accounts pgbench_branches pgbench_history pgbench_tellers trickle; do
    [ "$(whole_content old "$table")" = "$(whole_content new "$table")" ] || verdict="FAILED: $table differs"
done
cat <<END

soak long: $verdict
  asked for        $minutes minutes; pgbench scale $scale at $rate transactions a second, $(q new 'SELECT count(*) FROM pgbench_history') of them on new
${report}  snapshots        $healthy_totals of new, with $different different totals, each one consistent; all tables equal in the end
END
[ "$verdict" = passed ]
