#!/usr/bin/env bash
# Replication as an operator meets it, on two throwaway clusters: from an empty new database to one that follows, while old
# is being written; watch the lag, stop, go on, compare, abort. Leaves nothing behind. DEMO_SECONDS, DEMO_SCALE and
# DEMO_RATE (transactions a second; 0 is as fast as it goes) change its size.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/clusters.sh"

seconds=${DEMO_SECONDS:-30}
scale=${DEMO_SCALE:-5}
rate=${DEMO_RATE:-400}
migration=demo
database=shop
initial_copy=all
tables='pgbench_accounts pgbench_branches pgbench_history pgbench_tellers'

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then bold=$'\e[1m' plain=$'\e[0m'; fi
number=0
chapter() { printf '\n%s%d. %s%s\n' "$bold" $((number += 1)) "$*" "$plain"; }
command_line() { printf '   $ %s\n' "$*"; }
indent() { sed 's/^/   /'; }

open_world demo
cat <<END
${bold}tandem: a PostgreSQL database moves to another server while it is being written${plain}
END

chapter 'Two PostgreSQL servers, old and new'
make_cluster old 'max_wal_senders=10 log_min_messages=fatal'
make_cluster new 'log_min_messages=fatal'
start_cluster old
start_cluster new
for side in old new; do psql -Xq -d "host=$world/$side dbname=postgres" -c "CREATE DATABASE $database"; done
rows=$((scale * 100000))
pgbench -i -q -s "$scale" "$(address old)" >"$world/pgbench-init.log" 2>&1
# No primary key: without an identity, publishing its updates would make them fail on old. tandem refuses such tables.
q old 'ALTER TABLE pgbench_history REPLICA IDENTITY FULL'
q old 'CREATE SEQUENCE receipt START 1000; SELECT nextval($$receipt$$)' >/dev/null
write_configuration
cat <<END
   PostgreSQL $(q old 'SHOW server_version'), in $world, reachable from this machine only.
   old has a bank with $rows accounts (pgbench); new has nothing, not even tables.
   From here on four clients write to old without a pause, and nobody tells them anything.
END
pace=()
[ "$rate" -eq 0 ] || pace=(--rate "$rate")
background pgbench pgbench -n -c 4 -T $((seconds + 8)) "${pace[@]}" "$(address old)"
load=$started

chapter 'Run: tables, rows, keys and sequences come over, then every change'
command_line tandem run
began=$(now)
background run "$tandem" run --config "$world/tandem.yaml"
replicator=$started
until grep -q 'copy complete' "$world/run.log"; do
    is_running "$replicator" || fail "tandem run ended by itself: $(tail -n 5 "$world/run.log")"
    sleep 0.1
done
grep -E 'event=("table copied"|"copy complete")' "$world/run.log" | sed 's/.*event=//; s/ stream=[^ ]*//' | indent
echo "   new has everything and follows ($(since "$began") s). Nobody on old had to wait for it."

chapter 'Follow: how far behind is new?'
command_line tandem lag --watch
echo "   Lag is the time from commit on old to visible on new, measured with a heartbeat. The load ends by itself."
[ ! -t 1 ] || sleep 3
"$tandem" lag --watch --config "$world/tandem.yaml" &
watching=$!
wait "$load" || fail "pgbench: $(tail -n 5 "$world/pgbench.log")"
end_background "$watching"
is_running "$replicator" || fail "tandem run ended by itself: $(tail -n 5 "$world/run.log")"
grep -E 'number of transactions actually|^tps' "$world/pgbench.log" | sed 's/^/   pgbench: /'

chapter 'Stop it, and start it again: it continues exactly where new stands'
command_line 'kill PID; tandem run --until caught-up'
end_background "$replicator"
tandem run --until caught-up >>"$world/run.log" 2>&1 || fail "tandem run: $(tail -n 5 "$world/run.log")"
tandem status | indent

chapter 'Compare: every row of every table'
verdict=0
printf '   %-18s %10s  %s\n' table rows 'md5 over all rows'
for table in $tables; do
    read -r old_rows old_sum <<<"$(content old "$table")"
    read -r new_rows new_sum <<<"$(content new "$table")"
    same='the same on new'
    if [ "$old_rows $old_sum" != "$new_rows $new_sum" ]; then
        same="DIFFERENT on new: $new_rows rows, $new_sum"
        verdict=4
    fi
    printf '   %-18s %10s  %s  %s\n' "$table" "$old_rows" "$old_sum" "$same"
done

same='the same on new'
receipt=$(q old 'SELECT last_value FROM receipt')
if [ "$(q new 'SELECT last_value FROM receipt')" != "$receipt" ]; then
    same='DIFFERENT on new'
    verdict=4
fi
printf '   %-18s %10s  %s\n' 'sequence receipt' "$receipt" "$same"

chapter 'Abort: nothing of tandem stays in either database'
command_line tandem abort --yes
tandem abort --yes | indent
for side in old new; do
    left=$(q "$side" "SELECT (SELECT count(*) FROM pg_replication_slots) + (SELECT count(*) FROM pg_publication)
        + (SELECT count(*) FROM pg_replication_origin) + (SELECT count(*) FROM pg_namespace WHERE nspname = 'tandem')")
    [ "$left" -eq 0 ] || { echo "   $side still has $left objects of tandem"; verdict=1; }
done

echo
if [ "$verdict" -eq 0 ]; then
    echo "${bold}Both databases are equal, and nobody had to stop writing for it.${plain}"
else
    echo "${bold}FAILED: see above.${plain}"
fi
exit "$verdict"
