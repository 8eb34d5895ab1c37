#!/usr/bin/env bash
# Rows hundreds of times wider than limits.memory divided by `jobs`: copied from a database into an empty one, killed once in the
# middle. Peak memory of `tandem run` must stay under limits.memory plus the constant of docs/limits.md; what the servers'
# own processes take at most is shown beside it. Half of the rows have bytes stored as they are, half text that is
# stored compressed; a second table has arrays, so that it travels as text.
#
#     ROWS    in each of the two tables, 10 unless set
#     WIDTH   MB of a row, 300 unless set
#     MEMORY  limits.memory in MB, 64 unless set
#     JOBS    4 unless set
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/clusters.sh"

rows=${ROWS:-10} width=${WIDTH:-300} memory=${MEMORY:-64} jobs=${JOBS:-4} constant=${CONSTANT:-64}
migration=soak
initial_copy=all
database=wide

open_world wide-rows
settings='fsync=off autovacuum=off max_wal_size=16GB shared_buffers=256MB'
for side in old new; do
    make_cluster "$side" "$settings"
    start_cluster "$side"
    database=postgres q "$side" "CREATE DATABASE wide"
done
echo "wide-rows: making $((2 * rows)) rows of $width MB"
q old "CREATE TABLE plain (id int PRIMARY KEY, body bytea, note text); ALTER TABLE plain ALTER body SET STORAGE EXTERNAL;
    CREATE TABLE written (id int PRIMARY KEY, body text, tags int[]);
    CREATE TABLE narrow (id int PRIMARY KEY, note text);
    INSERT INTO narrow SELECT i, repeat('n', 100) FROM generate_series(1, 100000) i"
for i in $(seq "$rows"); do
    if [ $((i % 2)) = 0 ]; then
        q old "INSERT INTO plain SELECT $i, decode(repeat(md5('$i') || 'ff005c0a', $width * 52429), 'hex'), 'stored as it is'"
    else
        q old "INSERT INTO plain SELECT $i, NULL, repeat(md5('$i'), $width * 32768)"
    fi
    q old "INSERT INTO written SELECT $i, repeat(md5('$i') || E'\\\\\\t\\n', $width * 27400), ARRAY[$i, NULL, 1]"
done
write_configuration "jobs: $jobs
limits: {memory: ${memory}MB}"

most=0
declare -A servers=([old]=0 [new]=0)
peak() { awk '/VmHWM/ { print int($2 / 1024) }' "/proc/$1/status" 2>/dev/null || echo 0; }
# What a backend has for itself: shared memory is not counted.
own() { awk '/RssAnon/ { print int($2 / 1024) }' "/proc/$1/status" 2>/dev/null || echo 0; }
look() {
    local side pid size
    size=$(peak "$1")
    [ "${size:-0}" -le "$most" ] || most=$size
    for side in old new; do
        for pid in $(q "$side" "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'tandem%copy%'" 2>/dev/null); do
            size=$(own "$pid")
            [ "${size:-0}" -le "${servers[$side]}" ] || servers[$side]=$size
        done
    done
}

background run "$tandem" run --until caught-up --config "$world/tandem.yaml"
first=$started
began=$(now)
until [ "$(q new "SELECT coalesce(sum(bytes_processed), 0) > ${width}000000 * 1.5 FROM pg_stat_progress_copy")" = t ]; do
    is_running "$first" || fail "tandem run: $(tail -n 5 "$world/run.log")"
    look "$first"
    sleep 0.2
done
kill -KILL "$first"
wait "$first" 2>/dev/null || true
killed=$(since "$began")
background run "$tandem" run --until caught-up --config "$world/tandem.yaml"
second=$started
began=$(now)
while is_running "$second"; do
    look "$second"
    sleep 0.2
done
wait "$second" || fail "tandem run: $(tail -n 5 "$world/run.log")"
took=$(since "$began")

verdict=passed
for what in "plain|id, md5(body), md5(note), length(body), length(note)" "written|id, md5(body), length(body), tags" "narrow|id, note"; do
    query="SELECT count(*), md5(string_agg(t::text, '' ORDER BY t)) FROM (SELECT ${what#*|} FROM ${what%%|*}) AS t"
    [ "$(q old "$query")" = "$(q new "$query")" ] || verdict="FAILED: ${what%%|*} is not the same"
done
[ "$most" -le $((memory + constant)) ] || verdict="FAILED: TOO MUCH MEMORY"
cat <<END

soak wide-rows: $verdict
  rows             $((2 * rows)) of $width MB, limits.memory $memory MB, $jobs jobs; killed after $killed s, complete $took s after that
  tandem           $most MB at its peak (allowed $((memory + constant)))
  servers          one process of old's up to ${servers[old]} MB, one of new's up to ${servers[new]} MB
END
[ "$verdict" = passed ]
