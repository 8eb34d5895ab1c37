#!/usr/bin/env bash
# Exactly once across the boundary between copy and stream: COUNT times (100), ten writers, transactions held open, prepared
# ones, large ones and rolled-back savepoints across the making of the slot and of every table's snapshot. Every third time
# all commits on old hang for a while: written to its log, and not to be seen. Every KILL_EVERY-th time (4; 0: never)
# `tandem run` is killed (-9) somewhere in its copy and started again. In the end every table must be equal as a multiset,
# and no difference may have been met.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/clusters.sh"

count=${COUNT:-100}
seed=${SEED:-$(date +%s)}
kill_every=${KILL_EVERY:-4}
rate=${RATE:-300}
migration=soak
RANDOM=$seed

open_world boundary
settings='fsync=off autovacuum=off max_connections=80 log_checkpoints=off max_prepared_transactions=20 max_wal_senders=10'
make_cluster old "$settings logical_decoding_work_mem=64kB"
make_cluster new "$settings"
start_cluster old
start_cluster new

cat >"$world/load.sql" <<'SQL'
\set id random(1, 5000)
\set other random(1, 5000)
\set kind random(1, 12)
BEGIN;
UPDATE account SET balance = balance + 1 WHERE id = :id;
INSERT INTO entry VALUES (:id, :other);
\if :kind = 1
DELETE FROM account WHERE id = :other;
INSERT INTO account VALUES (:other, 0) ON CONFLICT DO NOTHING;
\elif :kind = 2
INSERT INTO entry SELECT :id, i FROM generate_series(1, 300) i;
\elif :kind = 3
SELECT pg_sleep(0.3);
UPDATE part SET v = v + 1 WHERE id = :id;
\elif :kind = 4
SAVEPOINT s;
INSERT INTO entry VALUES (-1, -1);
ROLLBACK TO s;
\endif
COMMIT;
SQL
cat >"$world/prepared.sql" <<'SQL'
\set name random(1, 1000000000)
BEGIN;
INSERT INTO entry VALUES (0, :name);
UPDATE part SET v = v + 100 WHERE id = :client_id * 10 + 1;
PREPARE TRANSACTION 'p:client_id';
SELECT pg_sleep(0.2);
COMMIT PREPARED 'p:client_id';
SQL

# For a standby of that name, which never comes.
commits_wait() {
    psql -Xq -d "$(database=postgres address old)" -c "ALTER SYSTEM SET synchronous_standby_names = '$1'" \
        -c 'SELECT pg_reload_conf()' >/dev/null
}

killed=0 failed=0 rows=0
began=$SECONDS
for round in $(seq 1 "$count"); do
    database=round$round
    for side in old new; do psql -Xq -d "$(database=postgres address "$side")" -c "CREATE DATABASE $database"; done
    cat >"$world/tandem.yaml" <<YAML
migration: $migration
pairs:
  - name: r$round
    old: $(address old)
    new: $(address new)
data_a: ["public.*"]
initial_copy: all
jobs: 3
copy: {range: 64kB}
limits: {memory: 32MB}
YAML
    both 'CREATE TABLE account (id int PRIMARY KEY, balance int);
          CREATE TABLE entry (a int, b int); ALTER TABLE entry REPLICA IDENTITY FULL;
          CREATE TABLE part (id int PRIMARY KEY, v int) PARTITION BY HASH (id);
          CREATE TABLE part_0 PARTITION OF part FOR VALUES WITH (MODULUS 2, REMAINDER 0);
          CREATE TABLE part_1 PARTITION OF part FOR VALUES WITH (MODULUS 2, REMAINDER 1)'
    q old 'INSERT INTO account SELECT i, 0 FROM generate_series(1, 5000) i;
           INSERT INTO part SELECT i, 0 FROM generate_series(1, 5000) i;
           INSERT INTO entry SELECT i, i FROM generate_series(1, 20000) i' >/dev/null
    background load pgbench -n -c 8 -j 2 -T 3600 --rate "$rate" -f "$world/load.sql" "$(address old)"
    load=$started
    background prepared pgbench -n -c 2 -T 3600 -f "$world/prepared.sql" "$(address old)"
    prepared=$started
    sleep "$(awk -v r=$RANDOM 'BEGIN { printf "%.3f", 0.2 + r / 32768 }')"
    background run "$tandem" run --config "$world/tandem.yaml"
    replicator=$started
    if [ $((round % 3)) -eq 0 ]; then
        sleep "$(awk -v r=$RANDOM 'BEGIN { printf "%.3f", r / 32768 }')"
        commits_wait ghost
        sleep "$(awk -v r=$RANDOM 'BEGIN { printf "%.3f", 0.3 + r / 32768 }')"
        commits_wait ''
    fi
    if [ "$kill_every" -gt 0 ] && [ $((round % kill_every)) -eq 0 ]; then
        sleep "$(awk -v r=$RANDOM 'BEGIN { printf "%.3f", 0.1 + 2 * r / 32768 }')"
        kill -KILL "$replicator" 2>/dev/null || true
        wait "$replicator" 2>/dev/null || true
        killed=$((killed + 1))
        background run "$tandem" run --config "$world/tandem.yaml"
        replicator=$started
    fi
    left=1200
    until [ "$(psql -XAtq -d "$(address new)" -c \
        "SELECT count(*) > 0 AND bool_and(state = 'done') FROM tandem.copied_table" 2>/dev/null)" = t ]; do
        [ $((left--)) -gt 0 ] || fail "FAILED: round $round: not copied: $(tail -n 5 "$world/run.log")"
        is_running "$replicator" || fail "FAILED: round $round: ended by itself: $(tail -n 5 "$world/run.log")"
        sleep 0.1
    done
    sleep 0.5
    end_background "$load"
    end_background "$prepared"
    # Their sessions may still be at it.
    until [ "$(q old "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = '$database' AND application_name = 'pgbench'")" -eq 0 ]; do sleep 0.1; done
    q old "SELECT format('ROLLBACK PREPARED %L;', gid) FROM pg_prepared_xacts WHERE database = '$database'" |
        psql -Xq -d "$(address old)"
    end_background "$replicator"
    tandem run --until caught-up >>"$world/run.log" 2>&1 || fail "FAILED: round $round: $(tail -n 5 "$world/run.log")"
    for table in account entry part_0 part_1; do
        old_content=$(content old $table)
        new_content=$(content new $table)
        rows=$((rows + ${old_content% *}))
        if [ "$old_content" != "$new_content" ]; then
            failed=$((failed + 1))
            echo "round $round (seed $seed): $table DIFFERS: old has $old_content, new has $new_content" >&2
        fi
    done
    met=$(q new 'SELECT coalesce(sum(found), 0) FROM tandem.difference')
    if [ "$met" -ne 0 ]; then
        failed=$((failed + 1))
        echo "round $round (seed $seed): $met differences were met" >&2
    fi
    tandem abort --yes >>"$world/run.log" 2>&1 || fail "FAILED: round $round: abort: $(tail -n 3 "$world/run.log")"
    [ "$(q old 'SELECT count(*) FROM pg_replication_slots')" -eq 0 ] || fail "FAILED: round $round: a slot was left"
    for side in old new; do
        psql -Xq -d "$(database=postgres address "$side")" -c "DROP DATABASE $database WITH (FORCE)"
    done
    [ $((round % 10)) -ne 0 ] || echo "$round of $count rounds, $killed kills, $((SECONDS - began)) s"
done
verdict=passed
[ "$failed" -eq 0 ] || verdict=FAILED
cat <<END

soak boundary: $verdict
  rounds           $count, $killed of them with a kill -9 in the copy, in $((SECONDS - began)) s, seed $seed
  rows compared    $rows
  failures         $failed
END
[ "$verdict" = passed ]
