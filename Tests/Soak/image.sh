#!/usr/bin/env bash
# The container image without a container engine: every RUN of docker/Dockerfile in a bare root of its stage's Debian release, what
# it copies put there, and then the example of docker/compose.yaml lived through in these roots, with the commands that stand in
# it: two servers, pooler, shop, batch, tandem as a user of its own, health check, a kill, a stop, the ledger's verdict. The compose
# file is read by docker-compose where that is there. What this cannot show: the images of others (swift, postgres, prometheus,
# grafana), and that an engine builds and starts it all. Needs root, a Debian mirror, python3-yaml.
#
#     TANDEM_IMAGE_BINARY  a binary with the Swift runtime linked in, instead of a release that is built now
#     SECONDS_LONG         how long the shop is open, 40 unless set
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

[ "$(id -u)" -eq 0 ] || { echo 'soak image needs root: it makes Debian systems in directories' >&2; exit 2; }
python3 -c 'import yaml' 2>/dev/null || DEBIAN_FRONTEND=noninteractive apt-get install -y -q python3-yaml >&2
command -v debootstrap >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get install -y -q debootstrap >&2
# Servers, pooler and shop have addresses and ports of their own in here, and nobody outside sees them.
if [ "${TANDEM_IMAGE_INSIDE:-}" != yes ]; then
    binary=${TANDEM_IMAGE_BINARY:-}
    if [ -z "$binary" ]; then
        make release >&2
        binary=$(swift build -c release --static-swift-stdlib --show-bin-path)/tandem
    fi
    world=$(mktemp -d /tmp/tandem-image.XXXXXX)
    code=0
    for part in prepare live; do
        wrap=(env)
        [ "$part" = prepare ] || wrap=(unshare --net --pid --fork --mount --kill-child)
        TANDEM_IMAGE_INSIDE=yes WORLD=$world BINARY=$(realpath "$binary") "${wrap[@]}" bash Tests/Soak/image.sh "$part" || code=$?
        [ "$code" -eq 0 ] || break
    done
    rm -rf --one-file-system "$world"
    exit "$code"
fi

fail() { echo "FAILED: $*" >&2; exit 1; }
run_in() { # ROOT COMMAND…
    local root=$1
    shift
    chroot "$root" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive "$@"
}
# The RUN instructions of one stage, one a line, continuations joined.
runs() {
    awk -v stage="$1" '
        { sub(/[ \t]+$/, "") }
        joined != "" { joined = joined " " $0 }
        joined == "" { joined = $0 }
        joined ~ /\\$/ { sub(/\\$/, "", joined); next }
        { if (joined ~ /^FROM /) { n = split(joined, w, " "); here = w[n] }
          else if (joined ~ /^RUN / && here == stage) print substr(joined, 5)
          joined = "" }' docker/Dockerfile
}
base() { # RELEASE ROOT
    debootstrap --variant=minbase "$1" "$2" >"$WORLD/debootstrap.log" 2>&1 || { tail "$WORLD/debootstrap.log" >&2; fail "debootstrap $1"; }
    cp /etc/resolv.conf "$2/etc/"
    printf '#!/bin/sh\nexit 101\n' >"$2/usr/sbin/policy-rc.d"
    chmod 755 "$2/usr/sbin/policy-rc.d"
}

if [ "$1" = prepare ]; then
    release=$(sed -n 's/^ARG DEBIAN=//p' docker/Dockerfile)
    if command -v docker-compose >/dev/null; then
        docker-compose -f docker/compose.yaml config -q 2>"$WORLD/compose.log" || { cat "$WORLD/compose.log" >&2; fail 'docker-compose does not read compose.yaml'; }
        echo 'compose.yaml: read by docker-compose'
    else
        echo 'compose.yaml: NOT read by docker-compose, which is not installed'
    fi
    # The stage that builds has Swift's image below it; here, what it installs.
    base bookworm "$WORLD/build"
    runs build | grep -v '^swift ' | while read -r line; do run_in "$WORLD/build" sh -c "$line" >>"$WORLD/run.log" 2>&1 || fail "RUN $line: $(tail -n 3 "$WORLD/run.log")"; done
    rm -rf --one-file-system "$WORLD/build"
    echo "stage build: $(runs build | grep -vc '^swift ') of $(runs build | wc -l) RUN lines tried (the other one is the build itself)"
    for stage in pooler tandem; do
        base "$release" "$WORLD/$stage"
        if [ "$stage" = tandem ]; then
            install -m 755 "$BINARY" "$WORLD/tandem/usr/bin/tandem"
            # One built for debugging has Swift's runtime beside it, which the image need not have.
            ldd "$BINARY" | awk '$3 ~ /swift/ { print $3 }' | while read -r library; do
                install -D -m 755 "$library" "$WORLD/tandem$library"
            done
            install -m 755 docker/healthcheck "$WORLD/tandem/usr/bin/tandem-healthcheck"
        fi
        runs "$stage" | while read -r line; do run_in "$WORLD/$stage" sh -c "$line" >>"$WORLD/run.log" 2>&1 || fail "RUN $line: $(tail -n 3 "$WORLD/run.log")"; done
        echo "stage $stage: $(runs "$stage" | wc -l) RUN lines tried, $(du -sm --exclude=proc "$WORLD/$stage" | cut -f1) MB with all of minbase"
    done
    install -m 644 docker/pgbouncer.ini docker/users.txt "$WORLD/pooler/etc/pgbouncer/"
    install -m 644 docker/tandem.yaml "$WORLD/tandem/etc/tandem/"
    # In place of the images of postgres: 15 of this system if there, and 17 beside tandem's own client.
    base "$release" "$WORLD/servers"
    run_in "$WORLD/servers" sh -c 'apt-get update -q && apt-get install -qy --no-install-recommends postgresql' >>"$WORLD/run.log" 2>&1 || fail 'servers'
    exit 0
fi

# The example, in a network of its own.
ip link set lo up
mount -t proc proc /proc
for address in 2 3 4 5; do ip address add "10.77.0.$address/32" dev lo; done
for stage in pooler tandem servers; do
    printf '127.0.0.1 localhost\n10.77.0.2 old\n10.77.0.3 new\n10.77.0.4 pooler\n10.77.0.5 tandem\n' >"$WORLD/$stage/etc/hosts"
    mount -t proc proc "$WORLD/$stage/proc"
    mkdir -p "$WORLD/$stage/dev/shm"
    mount -t tmpfs -o mode=1777 tmpfs "$WORLD/$stage/dev/shm"
done
# What stands in the compose file, one word a line.
compose() { python3 -c '
import sys, yaml
value = yaml.safe_load(open("docker/compose.yaml"))["services"]
for key in sys.argv[1:]: value = value[key]
print("\n".join(value) if isinstance(value, list) else value)' "$@"; }

bin=$(run_in "$WORLD/servers" sh -c 'ls -d /usr/lib/postgresql/*/bin')
serve() { # NAME ADDRESS
    local words
    mapfile -t words < <(compose "$1" command | tail -n +2)
    run_in "$WORLD/servers" setpriv --reuid=postgres --regid=postgres --init-groups sh -c \
        "printf example >/tmp/word && $bin/initdb -D /tmp/$1 -U postgres --pwfile=/tmp/word -A scram-sha-256 --locale-provider=libc --locale=C.UTF-8 >/tmp/$1.log && echo 'host all all all scram-sha-256' >>/tmp/$1/pg_hba.conf" || fail "initdb $1"
    run_in "$WORLD/servers" setpriv --reuid=postgres --regid=postgres --init-groups "$bin/postgres" -D "/tmp/$1" \
        -c "listen_addresses=$2" -c unix_socket_directories= "${words[@]}" >>"$WORLD/$1.log" 2>&1 &
    for _ in $(seq 100); do run_in "$WORLD/servers" "$bin/pg_isready" -q -h "$2" && break; sleep 0.1; done
    run_in "$WORLD/servers" env PGPASSWORD=example "$bin/createdb" -h "$2" -U postgres shop || fail "createdb $1: $(tail -n 3 "$WORLD/$1.log")"
}
serve old 10.77.0.2
serve new 10.77.0.3
run_in "$WORLD/pooler" setpriv --reuid=postgres --regid=postgres --init-groups pgbouncer /etc/pgbouncer/pgbouncer.ini >"$WORLD/pooler.log" 2>&1 &
pooler=$!

# As the image has it: user, directory, entry point.
shop_address=$(compose shop environment TANDEM_BOOKSTORE_OLD)
line=()
container() { # DIRECTORY WORDS…: the command line, in `line`
    local directory=$1
    shift
    line=(chroot "$WORLD/tandem" env -i -C "$directory" PATH=/usr/bin:/bin HOME=/var/lib/tandem PGPASSWORD=example
        TANDEM_BOOKSTORE_OLD="$shop_address" setpriv --reuid=tandem --regid=tandem --init-groups --no-new-privs
        --bounding-set=-all --inh-caps=-all tini -s -- "$@")
}
as_tandem() {
    container "$@"
    "${line[@]}"
}
words() { mapfile -t words < <(compose "$1" command); }
words load
as_tandem /var/lib/tandem tandem "${words[@]}" || fail 'load'
container /etc/tandem tandem run
"${line[@]}" >"$WORLD/run1.log" 2>&1 &
tandem=$!
words shop
container /var/lib/tandem tandem "${words[@]}"
"${line[@]}" >"$WORLD/shop.log" 2>&1 &
shop=$!
words batch
container /var/lib/tandem tandem "${words[@]}"
"${line[@]}" >"$WORLD/batch.log" 2>&1 &
batch=$!
healthy() { run_in "$WORLD/tandem" setpriv --reuid=tandem --regid=tandem --init-groups tandem-healthcheck; }
for _ in $(seq 60); do healthy >/dev/null 2>&1 && break; sleep 1; done
healthy || fail "the health check fails: $(tail -n 3 "$WORLD/run1.log")"
echo 'health check: passes while it runs'
until as_tandem /etc/tandem tandem lag --max 5s >/dev/null 2>&1; do
    kill -0 "$tandem" 2>/dev/null || fail "tandem has ended: $(tail -n 5 "$WORLD/run1.log")"
    sleep 1
done
sleep "${SECONDS_LONG:-40}"
as_tandem /etc/tandem tandem status | head -n 12
# Killed: the first process ends with it.
for child in $(cat "/proc/$tandem/task/$tandem/children"); do kill -KILL "$child"; done
wait "$tandem" || true
healthy >/dev/null 2>&1 && fail 'the health check passes while nothing runs'
echo 'health check: fails while nothing runs'
container /etc/tandem tandem run
"${line[@]}" >"$WORLD/run2.log" 2>&1 &
tandem=$!
sleep 5
kill "$shop" "$batch"
wait "$shop" "$batch" || true
until as_tandem /etc/tandem tandem lag --max 5s >/dev/null 2>&1; do sleep 1; done
before=$(date +%s)
kill "$tandem"
code=0
wait "$tandem" || code=$?
[ "$code" -eq 0 ] || fail "stopped with $code: $(tail -n 3 "$WORLD/run2.log")"
echo "stop: $(($(date +%s) - before)) s after SIGTERM, exit code 0"
as_tandem /etc/tandem tandem run --until caught-up 2>"$WORLD/run3.log" || fail "$(tail -n 3 "$WORLD/run3.log")"
# Comparing old with what batches brought is for after the last of them.
as_tandem /etc/tandem tandem verify >"$WORLD/verify1.log" || sed 's/^/before the last batch: /' "$WORLD/verify1.log"
as_tandem /etc/tandem tandem b final >"$WORLD/final.log" 2>&1 || fail "b final: $(tail -n 5 "$WORLD/final.log")"
as_tandem /etc/tandem tandem verify >"$WORLD/verify.log" || fail "verify: $(cat "$WORLD/verify.log")"
tail -n 1 "$WORLD/verify.log"
as_tandem /var/lib/tandem tandem bookstore check --dir bookstore --old postgresql://postgres:example@old/shop --new postgresql://postgres:example@new/shop || fail 'the ledger'
tail -n 1 "$WORLD/shop.log"
kill "$pooler"
echo 'soak image: passed'
