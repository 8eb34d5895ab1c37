#!/usr/bin/env bash
# The container image and its example by a real Docker: Engine, BuildKit and Compose of Debian trixie, in a directory and in namespaces
# of their own. Every command of docs/docker.md is typed there as it stands, in a clean checkout: the image is built and looked at, the
# example is brought up, watched, killed, stopped, judged by its ledger, and taken away. No registry is asked: the images it starts from
# are made here of Debian's own packages, under the names the files use, with the same contract (see `stand_in`). So what this cannot
# show is what only the images of others would do, and Grafana, which Debian does not have. Needs root, a Debian mirror and some 15 GB
# below /var/tmp.
#
#     TANDEM_IMAGE_BINARY  a binary with the Swift runtime linked in: the stage that builds takes it instead of compiling
#     SECONDS_LONG         how long the shop is open before anything is done to it, 20 unless set
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
fail() { echo "FAILED: $*" >&2; exit 1; }

[ "$(id -u)" -eq 0 ] || { echo 'soak image needs root: it makes Debian systems in directories' >&2; exit 2; }
needs=()
for package in debootstrap slirp4netns curl python3-yaml; do
    [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null)" = 'ii ' ] || needs+=("$package")
done
[ "${#needs[@]}" -eq 0 ] || DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${needs[@]}" >&2

# All of it is below $world, and ends with its namespaces: mounts, processes, network. The way out is a process on this side
# (slirp4netns), so that nothing of this machine's network is changed.
if [ "${TANDEM_IMAGE_INSIDE:-}" != yes ]; then
    world=$(mktemp -d /var/tmp/tandem-image.XXXXXX)
    inside='' way=''
    leave() {
        local one
        for one in $inside $way; do
            kill -KILL "$one" 2>/dev/null || true
            wait "$one" 2>/dev/null || true
        done
        if [ -n "${KEEP:-}" ]; then echo "Kept: $world" >&2; else rm -rf --one-file-system "$world"; fi
    }
    trap leave EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    TANDEM_IMAGE_INSIDE=yes WORLD=$world unshare --mount --pid --net --fork --kill-child bash Tests/Soak/image.sh &
    inside=$!
    until [ "$(readlink "/proc/$inside/ns/net")" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
    slirp4netns --configure --mtu=65520 --disable-host-loopback --netns-type=path "/proc/$inside/ns/net" tap0 >"$world/network.log" 2>&1 &
    way=$!
    code=0
    wait "$inside" || code=$?
    inside=
    exit "$code"
fi

quiet() { # WHAT COMMAND…
    local what=$1
    shift
    "$@" >"$WORLD/last.log" 2>&1 || { tail -n 20 "$WORLD/last.log" >&2; fail "$what"; }
}
left=200
until ip route 2>/dev/null | grep '^default' >/dev/null; do
    [ $((left--)) -gt 0 ] || fail "no network: $(cat "$WORLD/network.log")"
    sleep 0.1
done
ip link set lo up
# Processes of a namespace of their own, and one hierarchy of control groups.
mount -t proc proc /proc
umount -l /sys/fs/cgroup 2>/dev/null || true
mount -t sysfs sys /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup

# ------------------------------------------------------------------------------------------------ the engine
engine=$WORLD/engine
system() { # RELEASE: Debian as it is, in $WORLD/RELEASE
    [ -d "$WORLD/$1" ] || quiet "debootstrap $1" debootstrap --variant=minbase --include=ca-certificates "$1" "$WORLD/$1"
}
release=$(sed -n 's/^ARG DEBIAN=//p' docker/Dockerfile)
builder=$(sed -n 's/^FROM \(swift:[^ ]*\) AS build$/\1/p' docker/Dockerfile)
[ -n "$builder" ] || fail 'which image builds?'
system trixie
cp -a "$WORLD/trixie" "$engine"
# As a clean checkout has it: what is committed or about to be.
mkdir -p "$engine/tandem" "$engine/context" "$engine/var/lib/docker" "$WORLD/docker"
git ls-files -z --cached --others --exclude-standard | tar --null -T - -cf - 2>/dev/null | tar -C "$engine/tandem" -xf -
echo 'nameserver 10.0.2.3' >"$engine/etc/resolv.conf"
printf '#!/bin/sh\nexit 101\n' >"$engine/usr/sbin/policy-rc.d"
chmod 755 "$engine/usr/sbin/policy-rc.d"
# An engine remounts its root, which has to be one.
mount --bind "$engine" "$engine"
mount -t proc proc "$engine/proc"
mount --rbind /dev "$engine/dev"
mount --rbind /sys "$engine/sys"
mount -t tmpfs tmpfs "$engine/run"
mount --bind "$WORLD/docker" "$engine/var/lib/docker"
within() { chroot "$engine" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
quiet 'packages of the engine' within sh -c 'apt-get -q update && apt-get -qy --no-install-recommends install docker.io docker-cli docker-compose docker-buildx iptables'
# Its root is that of its mounts, too, not only of its process: what it later runs in a container enters those.
unshare --mount --propagation private bash -c 'cd "$1" && mkdir old && pivot_root . old && umount -l /old &&
    exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root dockerd' engine "$engine" >"$WORLD/engine.log" 2>&1 &
docker() { within docker "$@"; }
left=120
until docker version >/dev/null 2>&1; do
    [ $((left--)) -gt 0 ] || fail "no engine: $(tail -n 5 "$WORLD/engine.log")"
    sleep 0.5
done

# ------------------------------------------------------------------------------------------------ the images others make
base() { # RELEASE NAME: without manuals, as in the slim images
    local root=$WORLD/$1
    system "$1"
    printf 'path-exclude /usr/share/man/*\npath-exclude /usr/share/doc/*\npath-include /usr/share/doc/*/copyright\n' >"$root/etc/dpkg/dpkg.cfg.d/slim"
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
    printf 'APT::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };\nDir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";\n' \
        >"$root/etc/apt/apt.conf.d/docker-clean"
    rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/archives/*.deb
    tar -C "$root" --exclude './proc/*' --exclude './sys/*' --exclude './dev/*' -cf - . | docker import - "$2" >/dev/null || fail "import of $2"
}
stand_in() { # NAME FROM: its Dockerfile on standard input, what it copies below $engine/context
    { echo "FROM $2"; cat; } >"$engine/context/Dockerfile"
    quiet "stand-in $1" docker build -t "$1" /context
}
# The contract of the image `postgres`: POSTGRES_DB, POSTGRES_PASSWORD, POSTGRES_INITDB_ARGS, PGDATA as a volume, made at the first start
# and only then served, everybody by password.
cat >"$engine/context/docker-entrypoint.sh" <<'SH'
#!/bin/bash
set -euo pipefail
PATH=$(ls -d /usr/lib/postgresql/*/bin):$PATH
[ "$1" = postgres ] || exec "$@"
if [ "$(id -u)" = 0 ]; then
    install -d -o postgres -g postgres -m 700 "$PGDATA" /var/run/postgresql
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    # Unquoted on purpose: words.
    initdb -U postgres --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") -A scram-sha-256 --auth-local=trust ${POSTGRES_INITDB_ARGS:-} -D "$PGDATA"
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
    pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start
    [ "$POSTGRES_DB" = postgres ] || createdb -U postgres "$POSTGRES_DB"
    pg_ctl -D "$PGDATA" -m fast -w stop
fi
exec "$@" -D "$PGDATA" -c 'listen_addresses=*'
SH
chmod 755 "$engine/context/docker-entrypoint.sh"
server() { # NAME FROM VERSION
    stand_in "$1" "$2" <<DOCKER
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends postgresql-$3 && rm -rf /var/lib/apt/lists/*
COPY docker-entrypoint.sh /usr/local/bin/
ENV PGDATA=/var/lib/postgresql/data
RUN mkdir -p \$PGDATA && chown postgres: \$PGDATA
VOLUME /var/lib/postgresql/data
EXPOSE 5432
STOPSIGNAL SIGINT
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]
DOCKER
}
named() { python3 -c 'import sys, yaml; print(yaml.safe_load(open("docker/compose.yaml"))["services"][sys.argv[1]]["image"])' "$1"; }
base "$release" "debian:$release-slim"
base "${builder##*-}" "debian:builder"
server "$(named old)" debian:builder 15
server "$(named new)" "debian:$release-slim" 17
stand_in "$(named prometheus)" "debian:$release-slim" <<'DOCKER'
RUN apt-get update && apt-get install -y --no-install-recommends prometheus && rm -rf /var/lib/apt/lists/* \
 && mkdir -p /prometheus && chown nobody /prometheus
USER nobody
ENTRYPOINT ["prometheus"]
CMD ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]
DOCKER
# Swift is this machine's, or only copies the binary that was given.
mkdir "$engine/context/toolchain"
if [ -n "${TANDEM_IMAGE_BINARY:-}" ]; then
    install -D -m 755 "$TANDEM_IMAGE_BINARY" "$engine/context/toolchain/bin/tandem"
    printf '#!/bin/sh\ninstall -D -m 755 /opt/toolchain/bin/tandem .build/release/tandem\n' >"$engine/context/toolchain/bin/swift"
    chmod 755 "$engine/context/toolchain/bin/swift"
else
    mount --bind "$(dirname "$(dirname "$(readlink -f "$(command -v swift)")")")" "$engine/context/toolchain"
fi
stand_in "$builder" debian:builder <<'DOCKER'
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends binutils git gcc libc6-dev libcurl4-openssl-dev \
    libedit2 libncurses-dev libpython3-dev libsqlite3-0 libstdc++-12-dev libxml2-dev tzdata && rm -rf /var/lib/apt/lists/*
COPY toolchain /opt/toolchain
ENV PATH=/opt/toolchain/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
DOCKER
umount "$engine/context/toolchain" 2>/dev/null || true
rm -rf --one-file-system "$engine/context"
echo "engine: Docker $(docker version --format '{{.Server.Version}}'), Compose $(docker compose version --short), $(docker info --format '{{.Driver}}'); images of others made of Debian's packages"

# ------------------------------------------------------------------------------------------------ docs/docker.md
shown() { grep -h '^docker ' docs/docker.md; }
# As it stands there, at the top of the checkout; what goes on for ever is interrupted.
type_line() { # LINE
    local line=${1%%#*} limit=1800 code=0
    line=${line%"${line##*[! ]}"}
    case $line in *' --watch'* | *' logs -f '*) limit=6 ;; esac
    local began=$SECONDS
    # At a terminal, which is what `exec` gives to the program there.
    case $line in
    *' exec '*) within timeout -s INT -k 5 "$limit" script -qefc "cd /tandem && $line" /dev/null >"$WORLD/shown.log" 2>&1 </dev/null || code=$? ;;
    *) within timeout -s INT -k 5 "$limit" bash -c "cd /tandem && exec $line" >"$WORLD/shown.log" 2>&1 </dev/null || code=$? ;;
    esac
    # Ended by us.
    [ "$limit" -ne 6 ] || { [ "$code" -eq 124 ] || [ "$code" -eq 130 ]; } && [ "$limit" -eq 6 ] && code=0
    echo "  $code  $line ($((SECONDS - began)) s)"
    return "$code"
}
compose() { within bash -c 'cd /tandem && exec docker compose -f docker/compose.yaml "$@"' compose "$@" </dev/null; }
tell() { tail -n 15 "$WORLD/shown.log" >&2; compose logs --tail 5 2>&1 | tail -n 60 >&2; fail "$*"; }
of() { docker image inspect --format "$1" tandem; }
alone() { docker run --rm --network none "$@"; }
look_at_image() {
    # Foundation's, when it is linked in, is not ours.
    ! grep -i 'warn' "$WORLD/shown.log" | grep -v 'debconf\|update-alternatives\|mktemp' >&2 || fail 'the build warns'
    [ "$(of '{{.Config.User}}')" = tandem ] || fail "it runs as $(of '{{.Config.User}}')"
    [ "$(of '{{.Config.StopSignal}}')" = SIGTERM ] || fail 'its stop signal'
    of '{{json .Config.Healthcheck}}' | grep tandem-healthcheck >/dev/null || fail 'it has no health check'
    local said code=0
    said=$(alone tandem --version)
    [ "$said" = "tandem $(sed -n 's/.*static let text = "\(.*\)".*/\1/p' Sources/tandem/CommandList.swift)" ] || fail "tandem --version says '$said'"
    [ "$(alone --entrypoint id tandem -u):$(alone --entrypoint id tandem -un)" = 10001:tandem ] || fail 'its user'
    for program in pg_dump pg_restore psql; do
        alone --entrypoint "$program" tandem --version | grep ' 17\.' >/dev/null || fail "its $program"
    done
    alone --read-only --entrypoint sh tandem -c 'touch /var/lib/tandem/spill/x && test -d /var/lib/tandem/evidence && ! touch /usr/x 2>/dev/null' || fail 'its directories'
    alone tandem >"$WORLD/last.log" 2>&1 || code=$?
    [ "$code" -eq 2 ] && grep -q 'tandem.yaml' "$WORLD/last.log" || fail "without a configuration it ends with $code: $(cat "$WORLD/last.log")"
    if alone --entrypoint sh tandem -c 'command -v gcc swift ld' >/dev/null; then fail 'what builds is still in it'; fi
    echo "image: $said, user 10001, $(($(of '{{.Size}}') / 1000000)) MB, pg_dump 17, no configuration: exit code 2; built with" \
        "$([ -n "${TANDEM_IMAGE_BINARY:-}" ] && echo 'a binary that was given' || echo 'Swift in it')"
}
state() { docker inspect --format "{{.State.$2}}" "$(compose ps --all --quiet "$1")"; }
caught_up() {
    local left=120
    until compose exec -T tandem tandem lag --max 5s >/dev/null 2>&1; do
        [ $((left--)) -gt 0 ] || tell 'it does not catch up'
        sleep 1
    done
}
well() { # until the engine says so, which asks by itself
    local left=90
    until [ "$(state tandem Health.Status)" = healthy ]; do
        [ $((left--)) -gt 0 ] || tell "it is $(docker inspect --format '{{json .State.Health}}' "$(compose ps --all --quiet tandem)")"
        sleep 1
    done
}
watched() { # Prometheus of the example scrapes tandem and knows the packaged alerts
    compose --profile monitoring up -d prometheus >"$WORLD/shown.log" 2>&1 || tell prometheus
    local left=60 rules
    until curl -sf http://127.0.0.1:9090/api/v1/targets | grep '"health":"up"' >/dev/null; do
        [ $((left--)) -gt 0 ] || tell "Prometheus does not scrape tandem: $(curl -s http://127.0.0.1:9090/api/v1/targets)"
        sleep 1
    done
    rules=$(curl -sf http://127.0.0.1:9090/api/v1/rules | grep -o '"type":"alerting"' | wc -l)
    [ "$rules" -eq "$(grep -c 'alert:' packaging/prometheus/tandem.rules.yml)" ] || fail "Prometheus knows $rules alerts"
    curl -sf http://127.0.0.1:9187/metrics | grep '^tandem_' >/dev/null || fail 'no metrics at the published port'
    echo "  Prometheus: scrapes tandem through the example's network, $rules alerts"
}

compose config --quiet || fail 'compose.yaml is not read'
mapfile -t lines < <(shown)
for line in "${lines[@]}"; do
    case $line in
    'docker build '*) type_line "$line" || { tail -n 40 "$WORLD/shown.log" >&2; fail "$line"; }; look_at_image ;;
    *' exec tandem tandem lag --max '*) caught_up; type_line "$line" || tell "$line" ;;
    # What batches brought is compared after the last of them; before that, rows of Data B may differ.
    *' tandem verify'*) caught_up; type_line "$line" || [ "$?" -eq 4 ] || tell "$line" ;;
    *' exec tandem tandem '*) well; type_line "$line" || tell "$line" ;;
    *' kill -s KILL tandem'*)
        sleep "${SECONDS_LONG:-20}"
        type_line "$line" || tell "$line"
        for _ in $(seq 50); do [ "$(state tandem Running)" = false ] && break; sleep 0.2; done
        [ "$(state tandem ExitCode)" = 137 ] || fail "killed, it is $(state tandem Status), $(state tandem ExitCode)"
        type_line 'docker compose -f docker/compose.yaml up -d' || tell 'up again'
        well
        caught_up
        ;;
    *' restart new'*) type_line "$line" || tell "$line"; caught_up ;;
    *' stop shop batch'*) caught_up; watched; type_line "$line" || tell "$line" ;;
    *' run --rm shop bookstore check'*)
        compose exec -T tandem tandem b final >"$WORLD/shown.log" 2>&1 || tell 'b final'
        # As the table of commands says: in the container that runs, or in one of its own.
        docker exec "$(compose ps --quiet tandem)" tandem status >"$WORLD/shown.log" 2>&1 || tell 'docker exec NAME tandem status'
        docker run --rm --no-healthcheck --read-only --tmpfs /tmp --network tandem-bookstore_default -e PGPASSWORD=example \
            -v /tandem/docker/tandem.yaml:/etc/tandem/tandem.yaml:ro -v tandem-bookstore_tandem:/var/lib/tandem \
            tandem verify >"$WORLD/shown.log" 2>&1 || tell 'docker run … tandem verify'
        echo "  verify, in a container of its own: $(tail -n 1 "$WORLD/shown.log")"
        type_line "$line" || tell "$line"
        grep 'clean' "$WORLD/shown.log" >/dev/null || tell 'no word of the ledger'
        echo "  ledger: $(tail -n 1 "$WORLD/shown.log" | tr -d '\r')"
        ;;
    *' down -v'*)
        began=$SECONDS
        compose stop tandem >"$WORLD/shown.log" 2>&1 || tell 'stop tandem'
        [ "$(state tandem ExitCode)" = 0 ] || fail "stopped, it ended with $(state tandem ExitCode)"
        echo "  stop: $((SECONDS - began)) s after SIGTERM, exit code 0"
        type_line "$line" || tell "$line"
        [ -z "$(docker ps --all --quiet)" ] && [ -z "$(docker volume ls --quiet)" ] || fail "left: $(docker ps --all; docker volume ls)"
        ;;
    *) type_line "$line" || tell "$line" ;;
    esac
done
[ "${#lines[@]}" -ge 11 ] || fail "docs/docker.md shows ${#lines[@]} commands only"
echo "soak image: passed (${#lines[@]} commands of docs/docker.md)"
