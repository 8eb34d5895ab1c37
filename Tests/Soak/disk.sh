#!/usr/bin/env bash
# Full disks: spill files on 4 MB, then new's table on 16 MB. Each time the stream must wait, say so in its status, answer
# old all along (whose patience is 5 s), acknowledge nothing that new does not have, and go on by itself once there is room.
# Needs root, to mount.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/clusters.sh"

migration=soak
[ "$(id -u)" -eq 0 ] || fail 'Mounting needs root.'
open_world disk
# Lazily: the server is still there.
trap 'ended=$?; umount -l "$world/spill" "$world/small" 2>/dev/null || true; close_world $ended' EXIT
make_cluster old 'fsync=off wal_sender_timeout=5s logical_decoding_work_mem=64kB'
make_cluster new 'fsync=off'
start_cluster old
start_cluster new
mkdir -m 700 "$world/spill" "$world/small"
mount -t tmpfs -o size=4m,mode=700 tmpfs "$world/spill"
mount -t tmpfs -o "size=16m,mode=700,uid=$(id -u postgres),gid=$(id -g postgres)" tmpfs "$world/small"
write_configuration 'limits: {memory: 8MB}'
echo "spill: $world/spill" >>"$world/tandem.yaml"
q new "CREATE TABLESPACE small LOCATION '$world/small'"
q old 'CREATE TABLE t (id bigint, v text); ALTER TABLE t REPLICA IDENTITY FULL; CREATE TABLE u (id bigint PRIMARY KEY, v text)' >/dev/null
q new 'CREATE TABLE t (id bigint, v text); ALTER TABLE t REPLICA IDENTITY FULL; CREATE TABLE u (id bigint PRIMARY KEY, v text) TABLESPACE small' >/dev/null
prepare_and_release
background run "$tandem" run --config "$world/tandem.yaml"
replicator=$started
wait_for() { # wait_for SECONDS COMMAND…
    local left=$(($1 * 10))
    shift
    until "$@"; do
        is_running "$replicator" && [ $((left--)) -gt 0 ] || fail "FAILED: not $*: $(tail -n 3 "$world/run.log")"
        sleep 0.1
    done
}
streaming() { grep -q 'event=streaming' "$world/run.log"; }
says() { tandem status | grep "$1" >/dev/null; }
rows() { [ "$(q new "SELECT count(*) FROM $1")" = "$2" ]; }
walsender() { q old "SELECT active_pid FROM pg_replication_slots WHERE slot_name = '$stream'"; }
report='' failed=0
# hold NAME WHAT-STATUS-SAYS COMMAND-THAT-MAKES-ROOM…: with the disk full.
hold() {
    local name=$1 says=$2 sender began
    shift 2
    wait_for 120 says "$says"
    sender=$(walsender)
    sleep 12
    [ "$(walsender)" = "$sender" ] || { failed=1; report+="  $name: the walsender changed"$'\n'; }
    [ "$(q old "SELECT '$(confirmed)'::pg_lsn <= '$(progress)'::pg_lsn")" = t ] || { failed=1; report+="  $name: slot ahead"$'\n'; }
    report+="  $(printf '%-24s' "$name") status says: $(tandem status | grep -m1 "$says" | sed 's/^ *//' | cut -c1-150)"$'\n'
    "$@"
}
wait_for 60 streaming
# Committed only after the disk has filled: until then it is nobody's business but the spill files'.
background writer psql -XAtq -d "$(address old)" -c 'BEGIN' \
    -c "INSERT INTO t SELECT i, md5(i::text) || md5((i * 3)::text) || md5((i * 7)::text) FROM generate_series(1, 400000) AS i" \
    -c 'SELECT pg_sleep(25)' -c COMMIT
hold 'spill files, 4 MB' 'No space left' mount -o remount,size=500m "$world/spill"
began=$(now)
wait_for 180 rows t 400000
report+="  $(printf '%-24s' 'spill files, with room') all rows on new $(since "$began") s later"$'\n'
q old "INSERT INTO u SELECT i, repeat(md5(i::text), 10) FROM generate_series(1, 100000) AS i"
hold "new's table, 16 MB" 'No space left' mount -o remount,size=500m "$world/small"
began=$(now)
wait_for 180 rows u 100000
report+="  $(printf '%-24s' "new's table, with room") all rows on new $(since "$began") s later"$'\n'
end_background "$replicator"
verdict=passed
[ "$failed" -eq 0 ] || verdict=FAILED
for table in t u; do [ "$(content old "$table")" = "$(content new "$table")" ] || verdict="FAILED: $table differs"; done
cat <<END

soak disk: $verdict
${report}  rows                     $(content new t | cut -d' ' -f1) and $(content new u | cut -d' ' -f1), each once
END
[ "$verdict" = passed ]
