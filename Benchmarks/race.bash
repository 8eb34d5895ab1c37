# The one skeleton of all benchmarks: two clusters, contenders that do the same work on them one after another, a table of
# medians and ratios. Sourced, not run. A benchmark says what is written (its functions) and calls `race_backlog`, where a
# backlog that lies ready is worked off, or `race_live`, where the load runs while it is carried.
#
#     SCALE         the first argument, or this: how much is written, 1 unless set
#     RUNS          how often each contender runs, 3 unless set
#     CONTENDERS    a selection, in quotes
#     SECONDS_EACH  how long a live load lasts, 60 unless set
#     TANDEM_BIN    the binary that races
#     BEFORE_BIN    another one, for contender `before`
#     OVER          how everybody connects: tcp, unless set, or socket (see clusters.sh)
#
# Before each turn new (with a live load both sides) is put back to the files it had before the load, and each slot is a
# copy of one from before it. After each turn old and new are compared. Nothing here waits inside a transaction of new:
# one that stays open there keeps dead rows from being pruned, and whoever applies meanwhile is many times slower.
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/clusters.sh"

factor=${1:-${SCALE:-1}}
runs=${RUNS:-3}
seconds_each=${SECONDS_EACH:-60}
migration=bench
patience=600
clock_ticks=$(getconf CLK_TCK)

# scaled NUMBER: so many, times SCALE, at least 1.
scaled() { awk -v f="$factor" -v n="$1" 'BEGIN { n = int(n * f); print n < 1 ? 1 : n }'; }

# ratio A B: what A is of B; a dash when B did not run.
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { if (b > 0 && a != "") printf "%.2f", a / b; else printf "-" }'; }

median() { sort -n "$1" | awk '{ v[NR] = $1 } END { if (NR) printf "%.3f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

# column FILE NUMBER: its median.
column() { [ ! -f "$1" ] || { cut -d' ' -f"$2" "$1" >"$world/column" && median "$world/column"; }; }

# processor SIDE: seconds all processes of a cluster have used since it was started.
processor() {
    local main
    [ -f "$world/$1/data/postmaster.pid" ] || { echo 0; return; }
    main=$(as_server head -n 1 "$world/$1/data/postmaster.pid")
    { cat /proc/[0-9]*/stat 2>/dev/null || true; } | awk -v main="$main" -v hz="$clock_ticks" \
        '$1 == main { t += $14 + $15 + $16 + $17 } $4 == main { t += $14 + $15 } END { printf "%.2f", t / hz }'
}

# open_race NAME: two clusters with the benchmark's `schema` in both, slots and subscription ready. $further_old: settings.
open_race() {
    benchmark=$1
    open_world bench
    settings="shared_buffers=512MB checkpoint_timeout=60min max_wal_size=16GB autovacuum=off log_checkpoints=off
        track_commit_timestamp=on max_replication_slots=20 max_wal_senders=20"
    make_cluster old "$settings ${further_old:-}"
    make_cluster new "$settings"
    start_cluster old
    start_cluster new
    echo "$benchmark: preparing old and new"
    schema >"$world/schema.log" 2>&1 || fail "schema: $(tail -n 5 "$world/schema.log")"
    q old 'CREATE TABLE final (id int PRIMARY KEY)'
    pg_dump -d "$(address old)" | psql -Xq -v ON_ERROR_STOP=1 -d "$(address new)" >/dev/null
    both 'VACUUM (FREEZE, ANALYZE)'
    write_configuration
    prepare_and_release
    # As the subscription is made before the load, so has the stream begun before it.
    tandem run --until caught-up 2>"$world/first.log" || fail "tandem run: $(tail -n 5 "$world/first.log")"
    q old "CREATE PUBLICATION native FOR TABLE $(echo $tables final | sed 's/ /, /g')"
    q old "SELECT pg_create_logical_replication_slot('native_before', 'pgoutput');
           SELECT pg_copy_logical_replication_slot('$stream', 'tandem_before')" >/dev/null
    q new "CREATE SUBSCRIPTION native CONNECTION '$(address old)' PUBLICATION native
           WITH (slot_name = 'native', create_slot = false, enabled = false, copy_data = false)"
    if has_pgcopydb; then prepare_pgcopydb; fi
}

keep_files() { # SIDE…
    local side
    for side in "$@"; do
        stop_cluster "$side"
        as_server cp -a --reflink=auto "$world/$side/data" "$world/$side/before"
    done
}

files_again() { # SIDE…
    local side
    for side in "$@"; do
        stop_cluster "$side" immediate 2>/dev/null || true
        as_server rm -rf "$world/$side/data"
        as_server cp -a --reflink=auto "$world/$side/before" "$world/$side/data"
        sync -f "$world/$side/data"
        start_cluster "$side"
    done
}

slot_again() { # NAME COPY-OF
    local left=300
    until [ -z "$(q old "SELECT 1 FROM pg_replication_slots WHERE slot_name = '$1' AND active")" ]; do
        [ $((left--)) -gt 0 ] || fail "slot $1 stays in use"
        sleep 0.1
    done
    q old "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '$1';
           SELECT pg_copy_logical_replication_slot('$2', '$1'); CHECKPOINT" >/dev/null
}

# One session that asks again and again, each time in a short transaction of its own.
await_final() {
    local answer left=$((patience * 50))
    coproc watcher { psql -XAtq -d "$(address new)"; }
    # The descriptors vanish with the coprocess; what is read must outlive that.
    local out=${watcher[0]} in=${watcher[1]}
    while :; do
        echo "SELECT count(*) FROM final;" >&"$in"
        read -r answer <&"$out"
        [ "$answer" = 0 ] || break
        [ $((left--)) -gt 0 ] || fail "$1 did not catch up"
        sleep 0.02
    done
    echo "\\q" >&"$in"
    wait "$watcher_PID" 2>/dev/null || true
}

# fingerprint SIDE: of all tables' rows, whatever their order.
fingerprint() {
    local table
    for table in $tables; do
        q "$1" "SELECT '$table', count(*), sum(hashtextextended(t::text, 0)::numeric) FROM ONLY $table AS t"
    done
}

compare() {
    [ "$(fingerprint new)" = "$expected" ] || fail "FAILED: after $1 new differs from old"
}

begin_clock() {
    processor_old=$(processor old) processor_new=$(processor new)
    began=$EPOCHREALTIME
}

# The clock has been stopped; what was used meanwhile. Fields: seconds, processor of old, of new, of the contender, peak.
note_turn() { # WHO SECONDS OWN-PROCESSOR PEAK
    local old new
    old=$(processor old) new=$(processor new)
    echo "$2 $(awk -v a="$old" -v b="$processor_old" 'BEGIN { printf "%.2f", a - b }')" \
        "$(awk -v a="$new" -v b="$processor_new" 'BEGIN { printf "%.2f", a - b }') $3 $4" >>"$world/$1.turns"
    echo "run $run  $1  $2 s"
}

elapsed() { awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.3f", b - a }'; }

# MARK: contenders of a backlog

turn_floor_by() { # WHO PROTOCOL-OPTIONS…
    local who=$1 own
    shift
    slot_again floor native_before
    begin_clock
    { time pg_recvlogical -d "$(address old)" --slot floor --start --no-loop --endpos "$end" -f /dev/null \
        "$@" -o publication_names=native >/dev/null 2>&1; } 2>"$world/time"
    own=$(awk '{ print $2 + $3 }' "$world/time")
    note_turn "$who" "$(cut -d' ' -f1 "$world/time")" "$own" -
}

turn_floor() { turn_floor_by floor -o proto_version=1; }
turn_floor_streaming() { turn_floor_by floor_streaming -o proto_version=2 -o streaming=on; }

turn_native_by() { # WHO on|off
    slot_again native native_before
    files_again new
    q new "ALTER SUBSCRIPTION native SET (streaming = $2)"
    begin_clock
    q new 'ALTER SUBSCRIPTION native ENABLE'
    await_final "$1"
    note_turn "$1" "$(elapsed)" - -
    q new 'ALTER SUBSCRIPTION native DISABLE'
    compare "$1"
}

turn_native() { turn_native_by native off; }
turn_native_streaming() { turn_native_by native_streaming on; }

# MARK: pgcopydb, where it and the output plugin that it reads are installed

has_pgcopydb() { command -v pgcopydb >/dev/null && [ -f "$(pg_config --pkglibdir)/wal2json.so" ]; }

pgcopydb_knows=(--source "" --target "" --dir "" --slot-name pgcopydb --origin pgcopydb)

# What it keeps on both sides is made before the load, as it would be; the slot is then a copy like everybody's.
prepare_pgcopydb() {
    pgcopydb_knows[1]=$(address old) pgcopydb_knows[3]=$(address new) pgcopydb_knows[5]=$world/pgcopydb
    pgcopydb stream setup "${pgcopydb_knows[@]}" >"$world/pgcopydb.log" 2>&1 || fail "pgcopydb: $(tail -n 5 "$world/pgcopydb.log")"
    q old "SELECT pg_drop_replication_slot('pgcopydb');
           SELECT pg_create_logical_replication_slot('pgcopydb_before', 'wal2json')" >/dev/null
    q new "SELECT pg_replication_origin_advance('pgcopydb', '$(pgcopydb_start)')" >/dev/null
    mkdir -p "$world/pgcopydb"
    cp -a "$world/pgcopydb" "$world/pgcopydb.before"
}

pgcopydb_start() { q old "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = 'pgcopydb_before'"; }

# From its start until new shows the last row: it looks every ten seconds only whether there is more, and ends late.
turn_pgcopydb() {
    slot_again pgcopydb pgcopydb_before
    files_again new
    q old "UPDATE pgcopydb.sentinel SET startpos = '$(pgcopydb_start)', endpos = '$end', apply = true"
    rm -rf "$world/pgcopydb"
    cp -a "$world/pgcopydb.before" "$world/pgcopydb"
    begin_clock
    background pgcopydb pgcopydb follow --resume --not-consistent --endpos "$end" "${pgcopydb_knows[@]}"
    await_final pgcopydb
    note_turn pgcopydb "$(elapsed)" - -
    end_background "$started" 60
    compare pgcopydb
}

turn_tandem() { turn_tandem_by tandem "$tandem"; }
turn_before() { turn_tandem_by before "${BEFORE_BIN:?the binary to compare with}"; }

# Until new shows the last row, like everybody's; the processor time is that of its whole run.
turn_tandem_by() { # WHO BINARY
    local seconds
    slot_again "$stream" tandem_before
    files_again new
    begin_clock
    { time run_watched "$2"; } 2>"$world/time" &
    local running=$!
    await_final "$1"
    seconds=$(elapsed)
    wait "$running" || fail "tandem run: $(tail -n 5 "$world/run.log")"
    note_turn "$1" "$seconds" "$(awk '{ print $2 + $3 }' "$world/time")" "$(cat "$world/peak")"
    compare "$1"
}

# Its peak is read beside it.
run_watched() { # BINARY
    "$1" run --until caught-up --config "$world/tandem.yaml" 2>"$world/run.log" &
    local pid=$!
    watch_peak "$pid" &
    wait "$pid"
}

watch_peak() { # PID
    local key value peak=0 rest
    while [ -r "/proc/$1/status" ]; do
        while read -r key value rest; do [ "$key" != VmHWM: ] || peak=$value; done 2>/dev/null <"/proc/$1/status" || true
        echo "$((peak / 1024))" >"$world/peak.new"
        mv "$world/peak.new" "$world/peak"
        sleep 0.1
    done
}

# race_backlog WHAT: `load` writes the backlog, which every contender then works off.
race_backlog() {
    local who contenders=${CONTENDERS:-floor floor_streaming native native_streaming tandem}
    if [ -z "${CONTENDERS:-}" ] && has_pgcopydb; then contenders+=' pgcopydb'; fi
    TIMEFORMAT='%R %U %S'
    keep_files new
    echo "$benchmark: writing the backlog"
    load >"$world/load.log" 2>&1 || fail "load: $(tail -n 5 "$world/load.log")"
    q old 'INSERT INTO final VALUES (1)'
    q old CHECKPOINT
    end=$(q old 'SELECT pg_current_wal_flush_lsn()')
    wal=$(q old "SELECT pg_size_pretty('$end'::pg_lsn - '$position'::pg_lsn)")
    expected=$(fingerprint old)
    for run in $(seq "$runs"); do
        for who in $(in_turn $contenders); do turn_"$who"; done
    done
    print_backlog "$1" $contenders
}

# Who goes first changes, so that nobody always finds the warmer machine.
in_turn() { if [ $((run % 2)) -eq 1 ]; then echo "$@"; else printf '%s\n' "$@" | tac | tr '\n' ' '; fi; }

print_backlog() { # WHAT CONTENDER…
    local what=$1 who seconds floor native streaming
    shift
    floor=$(column "$world/floor.turns" 1)
    native=$(column "$world/native.turns" 1)
    streaming=$(column "$world/native_streaming.turns" 1)
    print_head "$what, $wal of log"
    printf '%-18s %8s %8s %8s %10s   %6s %6s %6s %8s   %s\n' '' seconds 'to floor' 'native' 'streaming' 'old' 'new' 'own' 'peak MB' runs
    for who in "$@"; do
        seconds=$(column "$world/$who.turns" 1)
        printf '%-18s %8.2f %8s %8s %10s   %6s %6s %6s %8s   %s\n' "$who" "$seconds" "$(ratio "$seconds" "$floor")" \
            "$(ratio "$seconds" "$native")" "$(ratio "$seconds" "$streaming")" "$(column "$world/$who.turns" 2)" \
            "$(column "$world/$who.turns" 3)" "$(column "$world/$who.turns" 4)" "$(column "$world/$who.turns" 5)" \
            "$(cut -d' ' -f1 "$world/$who.turns" | tr '\n' ' ')"
    done
}

print_head() {
    cat <<END

$benchmark: $1
PostgreSQL $(q old 'SHOW server_version'), by $over, both servers and the contender on $(nproc) processors; $runs runs, medians; seconds of clock and of processor (old, new, own)
END
}

# MARK: contenders of a live load

start_native() {
    slot_again native native_before
    q new 'ALTER SUBSCRIPTION native ENABLE'
}

start_tandem() { start_tandem_by "$tandem"; }
start_before() { start_tandem_by "${BEFORE_BIN:?the binary to compare with}"; }

start_tandem_by() { # BINARY
    slot_again "$stream" tandem_before
    background run "$1" run --config "$world/tandem.yaml"
    running=$started
}

end_native() { q new 'ALTER SUBSCRIPTION native DISABLE'; }
end_tandem() { end_background "$running"; }
end_before() { end_tandem; }

own_native() { echo -; }
own_tandem() { awk -v hz="$clock_ticks" '{ printf "%.2f", ($14 + $15) / hz }' "/proc/$running/stat"; }
own_before() { own_tandem; }

# race_live: `live WHO` puts the load on old while WHO carries it, and notes its turn.
race_live() {
    local who
    live_contenders=${CONTENDERS:-native tandem}
    keep_files old new
    for run in $(seq "$runs"); do
        for who in $(in_turn $live_contenders); do
            files_again old new
            start_"$who"
            sleep 2
            live "$who"
            end_"$who"
            expected=$(fingerprint old)
            compare "$who"
        done
    done
}
