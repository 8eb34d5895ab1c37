# Two throwaway PostgreSQL clusters, and the end of everything a script started. Sourced by the soak tests and the
# benchmarks; not run. Everybody connects by TCP on this machine, as most do, or with OVER=socket by socket file. As root the
# servers run as user postgres, otherwise as whoever runs the script.
#
#     open_world soak            # $world, a directory that vanishes with the script
#     make_cluster old 'wal_level=logical'
#     start_cluster old
#     q old 'SELECT 1'           # in database $database
#     background NAME command …  # ended with the script; its pid is in $started, its output in $world/NAME.log
#
# TANDEM_TEST_OLD and TANDEM_TEST_NEW choose the major version of the clusters old and new. One that this system does not
# have runs in a directory entered with chroot: see postgres-release.sh.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
database=postgres
export PGUSER=postgres PGCONNECT_TIMEOUT=10
unset PGDATABASE PGHOST PGHOSTADDR PGPORT PGSERVICE PGOPTIONS PGPASSWORD PGAPPNAME

fail() {
    echo "$*" >&2
    exit 1
}

over=${OVER:-tcp}
case $over in tcp | socket) ;; *) echo "OVER is tcp or socket, not $over" >&2; exit 2 ;; esac
declare -A cluster_port=()

# A port that nobody has now.
free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        [[ " ${cluster_port[*]} " != *" $port "* ]] || continue
        (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
    done
}

find_postgres() {
    pg_bin=${TANDEM_PG_BIN:-$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -V | tail -n 1)}
    [ -x "$pg_bin/initdb" ] || fail 'No PostgreSQL server programs found: set TANDEM_PG_BIN to their directory.'
    PATH=$pg_bin:$PATH
}

# TANDEM_BIN, or the release binary of this checkout, which is built when it is not there.
find_tandem() {
    tandem=${TANDEM_BIN:-$repository/.build/release/tandem}
    if [ -z "${TANDEM_BIN:-}" ] && [ ! -x "$tandem" ]; then make -C "$repository" release; fi
    [ -x "$tandem" ] || fail "There is no tandem at $tandem."
}

# Runs a server program as the account that owns the clusters. Changing to it may lower how many files one may open: not here.
as_server() {
    if [ "$(id -u)" -eq 0 ]; then
        (cd / && exec "${within[@]}" runuser -u postgres -- bash -c 'ulimit -n "$(ulimit -Hn)"; exec "$@"' as_server "$@")
    else
        "$@"
    fi
}
# What it is run within: nothing, or the network namespace of a cluster (see network.sh).
within=()
declare -A cluster_space=()

# server NAME PROGRAM …: a server program of that cluster's version, as the account that owns the clusters.
server() {
    local major='' program=$2 within=()
    [ -z "${cluster_space[$1]:-}" ] || within=(ip netns exec "${cluster_space[$1]}")
    case $1 in old) major=${TANDEM_TEST_OLD:-} ;; new) major=${TANDEM_TEST_NEW:-} ;; esac
    shift 2
    local own=/usr/lib/postgresql/$major/bin/$program
    if [ -z "$major" ]; then
        as_server "$pg_bin/$program" "$@"
    elif [ -x "$own" ]; then
        as_server "$own" "$@"
    else
        "${within[@]}" chroot --userspec="$(id -u postgres):$(id -g postgres)" "${releases[$major]}" "$own" "$@"
    fi
}

# Makes the versions usable that this system does not have, in $world; $further_versions are others than those of old and new.
declare -A releases=()
further_versions=
fetch_releases() {
    local major
    for major in ${TANDEM_TEST_OLD:-} ${TANDEM_TEST_NEW:-} $further_versions; do
        [ ! -x "/usr/lib/postgresql/$major/bin/postgres" ] || continue
        releases[$major]=$("$repository/scripts/postgres-release.sh" "$major" "$world") || fail "no PostgreSQL $major"
    done
    offer_dump
}
# A server newer than this system's programs is dumped by its own pg_dump, which enters its directory first.
offer_dump() {
    local newest
    newest=$(printf '%s\n' "$(basename "${pg_bin%/bin}")" "${!releases[@]}" | sort -n | tail -n 1)
    [ -n "${releases[$newest]:-}" ] || return 0
    mkdir "$world/tools"
    printf '#!/bin/sh\nexec chroot %s /usr/lib/postgresql/%s/bin/pg_dump "$@"\n' "${releases[$newest]}" "$newest" >"$world/tools/pg_dump"
    chmod +x "$world/tools/pg_dump"
    export TANDEM_PG_TOOLS=$world/tools
}

open_world() {
    find_postgres
    find_tandem
    # Not $TMPDIR: the path must be short enough for a socket, and user postgres must be able to enter it.
    world=$(mktemp -d "/tmp/tandem-$1.XXXXXX")
    chmod 755 "$world"
    trap close_world EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    fetch_releases
}

close_world() {
    local status=${1:-$?} pid data release
    trap - EXIT
    trap '' INT TERM HUP
    for pid in $(jobs -pr); do end_background "$pid" 5; done
    for data in "$world"/*/data; do
        [ -f "$data/postmaster.pid" ] &&
            server "$(basename "${data%/data}")" pg_ctl -D "$data" -m immediate -w -t 30 -s stop || true
    done
    # Before anything is deleted: what is mounted there is the same directory.
    for release in "${releases[@]}"; do umount "$release$world" && rmdir "$release$world" || exit 1; done
    if [ -n "${KEEP:-}" ]; then echo "Kept: $world" >&2; else rm -rf "$world"; fi
    [ "$status" -ne 130 ] || echo "Interrupted; what was started is ended and removed." >&2
    exit "$status"
}

# make_cluster NAME 'setting=value …'
make_cluster() {
    local name=$1 setting
    mkdir -p "$world/$name"
    [ "$(id -u)" -ne 0 ] || chown postgres: "$world/$name"
    server "$name" initdb -D "$world/$name/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null
    local listening="listen_addresses=''"
    if [ "$over" = tcp ]; then
        cluster_port[$name]=$(free_port)
        listening="listen_addresses='127.0.0.1' port=${cluster_port[$name]}"
    fi
    for setting in $listening "unix_socket_directories='$world/$name'" "wal_level=logical" \
        "max_wal_size=4GB" "timezone=UTC" "log_timezone=UTC" $2; do
        echo "${setting%%=*} = ${setting#*=}"
    done | as_server tee -a "$world/$name/data/postgresql.conf" >/dev/null
}

start_cluster() {
    server "$1" pg_ctl -D "$world/$1/data" -l "$world/$1/server.log" -w -t 60 -s start ||
        fail "cluster $1 does not start: $(tail -n 20 "$world/$1/server.log")"
}

# stop_cluster NAME [smart|fast|immediate]
stop_cluster() { server "$1" pg_ctl -D "$world/$1/data" -m "${2:-fast}" -w -t 120 -s stop; }

address() {
    local host="host=$world/$1"
    [ "$over" = socket ] || host="host=127.0.0.1 port=${cluster_port[$1]}"
    echo "$host user=postgres dbname=$database"
}

# q SIDE SQL: bare values, one row a line. An error ends the script.
q() { psql -XAtq -v ON_ERROR_STOP=1 -d "$(address "$1")" -c "$2"; }
both() { q old "$1" >/dev/null && q new "$1" >/dev/null; }

# until_is SIDE QUERY ANSWER [PID]: two minutes at most, and only while tandem runs: process $run, or that one.
until_is() {
    local process=${4:-$run} until=$((SECONDS + 120))
    until [ "$(q "$1" "$2" 2>/dev/null)" = "$3" ]; do
        is_running "$process" || fail "tandem run ended: $(tail -q -n 5 "$world"/run*.log)"
        [ "$SECONDS" -lt "$until" ] || fail "$1 does not come to: $2"
        sleep 0.02
    done
}

# After `abort` and `finish`.
nothing_left() {
    local side left
    for side in old new; do
        left=$(q "$side" "SELECT 'schema' FROM pg_namespace WHERE nspname = 'tandem' UNION ALL SELECT slot_name FROM pg_replication_slots
            UNION ALL SELECT pubname FROM pg_publication UNION ALL SELECT roname FROM pg_replication_origin
            UNION ALL SELECT tgname FROM pg_trigger WHERE tgname LIKE '%tandem%'")
        [ -z "$left" ] || fail "left on $side: $left"
    done
}

# background NAME COMMAND…: in a session of its own, so that Ctrl-C reaches the script first and the script ends it.
background() {
    local name=$1
    shift
    setsid "$@" >>"$world/$name.log" 2>&1 </dev/null &
    started=$!
}

is_running() { jobs -pr | grep -x "$1" >/dev/null; }

# end_background PID [SECONDS]: SIGTERM, and SIGKILL when that is not enough. Only ever a child of this script.
end_background() {
    local left=$((${2:-30} * 20))
    is_running "$1" || return 0
    kill -TERM -- "-$1" 2>/dev/null || kill -TERM "$1" 2>/dev/null || true
    while is_running "$1" && [ $((left--)) -gt 0 ]; do sleep 0.05; done
    if is_running "$1"; then
        kill -KILL -- "-$1" 2>/dev/null || kill -KILL "$1" 2>/dev/null || true
    fi
    wait "$1" 2>/dev/null || true
}

# write_configuration [FURTHER LINES]: $world/tandem.yaml with one pair; $initial_copy is `none` unless set.
write_configuration() {
    cat >"$world/tandem.yaml" <<YAML
migration: $migration
pairs:
  - name: main
    old: $(address old)
    new: $(address new)
data_a: ["public.*"]
initial_copy: ${initial_copy:-none}
${1:-}
YAML
    stream=tandem_${migration}_main_forward
}

tandem() { "$tandem" "$@" --config "$world/tandem.yaml"; }

# Runs `tandem prepare` and leaves it holding its snapshot: $prepare is its pid, $snapshot and $position what it said.
prepare_and_hold() {
    : >"$world/prepare.out"
    setsid "$tandem" prepare --config "$world/tandem.yaml" >"$world/prepare.out" 2>"$world/prepare.log" </dev/null &
    prepare=$!
    local left=600
    until grep -q '^position ' "$world/prepare.out"; do
        is_running "$prepare" && [ $((left--)) -gt 0 ] || fail "tandem prepare: $(cat "$world/prepare.log")"
        sleep 0.1
    done
    snapshot=$(sed -n 's/^snapshot //p' "$world/prepare.out")
    position=$(sed -n 's/^position //p' "$world/prepare.out")
}

# Interrupts it; publication and slot stay.
release_snapshot() {
    kill -INT "$prepare"
    wait "$prepare" || fail "tandem prepare: $(cat "$world/prepare.log")"
}

prepare_and_release() {
    prepare_and_hold
    release_snapshot
}

confirmed() { q old "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = '$stream'"; }
# What new has committed of the stream, as the origins of the two connections that apply tell.
progress() {
    q new "SELECT max(pg_replication_origin_progress(roname, ${1:-false})) FROM pg_replication_origin
            WHERE roname IN ('$stream', '${stream}_2')"
}

# content SIDE TABLE: row count and one md5 over all rows, whatever their order; equal rows count as often as they are.
content() {
    q "$1" "SELECT count(*), coalesce(md5(string_agg(h, '' ORDER BY h)), 'empty')
              FROM (SELECT md5(t::text) AS h FROM ONLY $2 AS t) AS rows" | tr '|' ' '
}

# Fractions of a second since the epoch, and the difference of two such.
now() { echo "$EPOCHREALTIME"; }
since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'; }

# lock_table SIDE TABLE: until unlock_table. The server would not notice that a sleeping client has gone: its session is
# ended there.
lock_table() {
    background locker env PGAPPNAME=locker psql -XAtq -d "$(address "$1")" -c "BEGIN; LOCK TABLE $2; SELECT pg_sleep(86400)"
    until [ -n "$(q "$1" "SELECT 1 FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
        WHERE l.relation = '$2'::regclass AND l.granted AND a.application_name = 'locker'")" ]; do sleep 0.1; done
}

unlock_table() { q "$1" "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'locker'" >/dev/null; }
