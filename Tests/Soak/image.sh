#!/usr/bin/env bash
# The container image by a real engine: podman builds docker/Dockerfile whole, what came out is looked at and run, and the example of
# docker/compose.yaml is brought up by docker-compose, with every command that docs/docker.md shows: health checks, a kill, a restart
# of new, a stop, the ledger's verdict, Prometheus. No registry is asked: the images it starts from are made here of Debian's own
# packages, under the names the files use, with the same contract (see `stand_in`). So what this cannot show is what only the images
# of others would do, and Grafana, which Debian does not have. Needs root, a Debian mirror and some 10 GB below /var/tmp.
#
#     TANDEM_IMAGE_BINARY  a binary with the Swift runtime linked in: the stage that builds takes it instead of compiling
#     SECONDS_LONG         how long the shop is open before anything is done to it, 20 unless set
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

[ "$(id -u)" -eq 0 ] || { echo 'soak image needs root: it makes Debian systems in directories' >&2; exit 2; }
needs=()
for package in podman buildah crun netavark aardvark-dns debootstrap docker-compose curl python3-yaml; do
    [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null)" = 'ii ' ] || needs+=("$package")
done
[ "${#needs[@]}" -eq 0 ] || DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${needs[@]}" >&2

# Everything of the engine is below $WORLD, and ends with the namespaces: `make` may fetch packages, `live` reaches nobody.
if [ "${TANDEM_IMAGE_INSIDE:-}" != yes ]; then
    world=$(mktemp -d /var/tmp/tandem-image.XXXXXX)
    leave() {
        local mounted
        while mounted=$(awk -v below="$world/" 'index($2, below) == 1 { last = $2 } END { print last }' /proc/mounts) && [ -n "$mounted" ]; do
            umount -l "$mounted" || break
        done
        if [ -n "${KEEP:-}" ]; then echo "Kept: $world" >&2; else rm -rf --one-file-system "$world"; fi
    }
    trap leave EXIT
    code=0
    for part in make live; do
        space=(unshare --mount --pid --fork --kill-child)
        [ "$part" = make ] || space+=(--net)
        TANDEM_IMAGE_INSIDE=yes WORLD=$world "${space[@]}" bash Tests/Soak/image.sh "$part" || code=$?
        [ "$code" -eq 0 ] || break
        # The next part finds images, and nothing that pretends to run.
        rm -rf "$world/run"
    done
    exit "$code"
fi

fail() { echo "FAILED: $*" >&2; exit 1; }
quiet() { # WHAT COMMAND…
    local what=$1
    shift
    "$@" >"$WORLD/last.log" 2>&1 || { tail -n 20 "$WORLD/last.log" >&2; fail "$what"; }
}
# What engines without systemd say of health checks, again and again.
podman() { command podman "$@" 2> >(grep -v 'unable to get systemd connection' >&2); }

# Processes of a namespace of their own, and one hierarchy of control groups: engines refuse two.
mount -t proc proc /proc
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
for place in /run/containers /run/netns; do mkdir -p "$place" && mount -t tmpfs tmpfs "$place"; done
umount -l /sys/fs/cgroup 2>/dev/null || true
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p "$WORLD/run" "$WORLD/store"
driver=vfs
mkdir -p "$WORLD"/layers/{lower,upper,work,merged}
if mount -t overlay overlay -o "lowerdir=$WORLD/layers/lower,upperdir=$WORLD/layers/upper,workdir=$WORLD/layers/work" "$WORLD/layers/merged" 2>/dev/null; then
    umount "$WORLD/layers/merged"
    driver=overlay
fi
printf '[storage]\ndriver = "%s"\ngraphroot = "%s/store"\nrunroot = "%s/run"\n' "$driver" "$WORLD" "$WORLD" >"$WORLD/storage.conf"
cat >"$WORLD/containers.conf" <<TOML
[containers]
cgroups = "disabled"
default_ulimits = ["nofile=8192:8192", "nproc=8192:8192"]
[network]
network_config_dir = "$WORLD/networks"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "$WORLD/run/libpod"
volume_path = "$WORLD/volumes"
TOML
printf 'unqualified-search-registries = ["docker.io"]\n' >"$WORLD/registries.conf"
export CONTAINERS_CONF=$WORLD/containers.conf CONTAINERS_STORAGE_CONF=$WORLD/storage.conf
export CONTAINERS_REGISTRIES_CONF=$WORLD/registries.conf BUILDAH_FORMAT=docker BUILDAH_ISOLATION=chroot
mkdir -p "$WORLD/networks"

# ------------------------------------------------------------------------------------------------ the images
base() { # RELEASE NAME [--change …]: Debian as it is, without manuals, as in the slim images
    local root=$WORLD/$1 release=$1 name=$2
    shift 2
    if [ ! -d "$root" ]; then
        quiet "debootstrap $release" debootstrap --variant=minbase --include=ca-certificates "$release" "$root"
        printf 'path-exclude /usr/share/man/*\npath-exclude /usr/share/doc/*\npath-include /usr/share/doc/*/copyright\n' >"$root/etc/dpkg/dpkg.cfg.d/slim"
        printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
        chmod 755 "$root/usr/sbin/policy-rc.d"
        printf 'APT::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };\nDir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";\n' \
            >"$root/etc/apt/apt.conf.d/docker-clean"
        rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/archives/*.deb
    fi
    tar -C "$root" --exclude ./proc/* --exclude ./sys/* --exclude ./dev/* -cf "$WORLD/base.tar" .
    quiet "import of $name" podman import "$@" "$WORLD/base.tar" "$name"
    rm "$WORLD/base.tar"
}
stand_in() { # NAME FROM: its Dockerfile on standard input
    mkdir -p "$WORLD/context"
    { echo "FROM $2"; echo 'ENV DEBIAN_FRONTEND=noninteractive'; cat; } >"$WORLD/context/Dockerfile"
    quiet "stand-in $1" podman build --network host --pull=never -t "$1" "$WORLD/context"
}
# The contract of the image `postgres`: POSTGRES_DB, POSTGRES_PASSWORD, POSTGRES_INITDB_ARGS, PGDATA as a volume, made at the first start
# and only then served, everybody by password.
server_entry() {
    cat >"$WORLD/context/docker-entrypoint.sh" <<'SH'
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
    chmod 755 "$WORLD/context/docker-entrypoint.sh"
}
server() { # NAME FROM VERSION
    server_entry
    stand_in "$1" "$2" <<DOCKER
RUN apt-get update && apt-get install -y --no-install-recommends postgresql-$3 && rm -rf /var/lib/apt/lists/*
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
of() { podman image inspect --format "$1" "$2"; }
named() { python3 -c 'import sys, yaml; print(yaml.safe_load(open("docker/compose.yaml"))["services"][sys.argv[1]]["image"])' "$1"; }

if [ "$1" = make ]; then
    mkdir -p "$WORLD/context"
    release=$(sed -n 's/^ARG DEBIAN=//p' docker/Dockerfile)
    builder=$(sed -n 's/^FROM \(swift:[^ ]*\) AS build$/\1/p' docker/Dockerfile)
    [ -n "$builder" ] || fail 'which image builds?'
    base "$release" "docker.io/library/debian:$release-slim"
    base "${builder##*-}" docker.io/library/debian:builder
    mkdir -p "$WORLD/source" "$WORLD/toolchain"
    # What the toolchain needs of Debian; itself it is this machine's, mounted while the image is built.
    stand_in "docker.io/library/$builder" docker.io/library/debian:builder <<'DOCKER'
RUN apt-get update && apt-get install -y --no-install-recommends binutils git gnupg2 libc6-dev libcurl4-openssl-dev libedit2 \
    libgcc-12-dev libncurses-dev libpython3-dev libsqlite3-0 libstdc++-12-dev libxml2-dev libz3-dev tzdata zlib1g-dev \
 && rm -rf /var/lib/apt/lists/*
ENV PATH=/opt/toolchain/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
DOCKER
    # What is committed or about to be, as a clean checkout has it.
    git ls-files -z --cached --others --exclude-standard | tar --null -T - -cf - 2>/dev/null | tar -C "$WORLD/source" -xf -
    if [ -n "${TANDEM_IMAGE_BINARY:-}" ]; then
        install -D -m 755 "$TANDEM_IMAGE_BINARY" "$WORLD/toolchain/bin/tandem"
        printf '#!/bin/sh\ninstall -D -m 755 /opt/toolchain/bin/tandem .build/release/tandem\n' >"$WORLD/toolchain/bin/swift"
        chmod 755 "$WORLD/toolchain/bin/swift"
    else
        mount --bind "$(dirname "$(dirname "$(readlink -f "$(command -v swift)")")")" "$WORLD/toolchain"
    fi
    example=$(named tandem)
    started=$SECONDS
    for target in tandem pooler; do
        name=$example
        # As docker-compose calls what has no name.
        [ "$target" = tandem ] || name=$(sed -n 's/^COMPOSE_PROJECT_NAME=//p' docker/.env)_$target
        quiet "build of $target" podman build --network host --pull=never -v "$WORLD/toolchain:/opt/toolchain:ro" \
            -f docker/Dockerfile --target "$target" -t "docker.io/library/$name" "$WORLD/source"
        cp "$WORLD/last.log" "$WORLD/build-$target.log"
        ! grep -i 'warning\|ignored' "$WORLD/last.log" | grep -v 'debconf\|update-alternatives' | head -n 5
    done
    echo "build: $(podman --version), $driver, $((SECONDS - started)) s, with $([ -n "${TANDEM_IMAGE_BINARY:-}" ] && echo 'a binary that was given' || echo 'Swift in it')"
    server "docker.io/library/$(named old)" docker.io/library/debian:builder 15
    server "docker.io/library/$(named new)" "docker.io/library/debian:$release-slim" 17
    stand_in "docker.io/$(named prometheus)" "docker.io/library/debian:$release-slim" <<'DOCKER'
RUN apt-get update && apt-get install -y --no-install-recommends prometheus && rm -rf /var/lib/apt/lists/* \
 && mkdir -p /prometheus && chown nobody /prometheus
USER nobody
ENTRYPOINT ["prometheus", "--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]
DOCKER

    # The image itself, and the same by the words of the page.
    image=docker.io/library/$example
    line=$(grep -h '^docker build ' docs/docker.md)
    read -ra words <<<"${line#docker build }"
    (cd "$WORLD/source" && quiet "$line" podman build --network host --pull=never -v "$WORLD/toolchain:/opt/toolchain:ro" "${words[@]}")
    [ "$(of '{{.Id}}' localhost/tandem)" = "$(of '{{.Id}}' "$image")" ] || fail "$line makes another image"
    [ "$(of '{{.Config.User}}' "$image")" = tandem ] || fail "it runs as $(of '{{.Config.User}}' "$image")"
    [ "$(of '{{.Config.StopSignal}}' "$image")" = SIGTERM ] || fail 'its stop signal'
    of '{{json .Config.Healthcheck}}' "$image" | grep tandem-healthcheck >/dev/null || fail 'it has no health check'
    alone() { podman run --rm --network none "$@"; }
    said=$(alone "$image" --version)
    [ "$said" = "$(sed -n 's/.*version = "\([^"]*\)".*/tandem \1/p' Sources/tandem/main.swift Sources/*/*.swift | head -n 1)" ] || [ -n "$said" ] || fail 'tandem --version'
    [ "$(alone --entrypoint id "$image" -u):$(alone --entrypoint id "$image" -un)" = 10001:tandem ] || fail 'its user'
    for program in pg_dump pg_restore psql; do
        alone --entrypoint "$program" "$image" --version | grep ' 17\.' >/dev/null || fail "its $program"
    done
    alone --read-only --entrypoint sh "$image" -c 'touch /var/lib/tandem/spill/x && test -d /var/lib/tandem/evidence && ! touch /usr/x 2>/dev/null' || fail 'its directories'
    code=0
    alone "$image" >"$WORLD/last.log" 2>&1 || code=$?
    [ "$code" -eq 2 ] && grep -q 'tandem.yaml' "$WORLD/last.log" || fail "without a configuration it ends with $code: $(cat "$WORLD/last.log")"
    if alone --entrypoint sh "$image" -c 'command -v gcc swift ld' >/dev/null; then fail 'what builds is still in it'; fi
    echo "image: $said, user 10001, $(($(of '{{.Size}}' "$image") / 1000000)) MB, pg_dump 17, no configuration: exit code 2"
    exit 0
fi

# ------------------------------------------------------------------------------------------------ the example
ip link set lo up
export DOCKER_HOST=unix://$WORLD/run/engine.sock COMPOSE_INTERACTIVE_NO_CLI=1
podman system service --time 0 "$DOCKER_HOST" >"$WORLD/engine.log" 2>&1 &
for _ in $(seq 100); do [ -S "$WORLD/run/engine.sock" ] && break; sleep 0.1; done
compose() { docker-compose -f docker/compose.yaml "$@" </dev/null; }
compose config -q || fail 'compose.yaml is not read'
# An engine without systemd asks nobody how they are: this does, as often as the files want it at most.
(while sleep 2; do
    for one in $(podman ps --quiet); do podman healthcheck run "$one" >/dev/null 2>&1 || true; done
done) &
# `docker compose` of the documents is docker-compose here, without a terminal; what it builds is there already.
shown() { grep -h '^docker compose ' docs/docker.md; }
run_shown() { # LINE
    local line=${1%%#*} limit=600
    line=${line/docker compose/docker-compose} line=${line/ --build/} line=${line/ exec / exec -T } line=${line/ run --rm / run --rm -T }
    case $line in *' --watch'* | *' logs -f '*) limit=6 ;; esac
    local code=0
    read -ra words <<<"$line"
    timeout -s INT -k 5 "$limit" "${words[@]}" >"$WORLD/shown.log" 2>&1 </dev/null || code=$?
    # Ended by us: it would have gone on for ever.
    [ "$limit" -ne 6 ] || { [ "$code" -eq 124 ] || [ "$code" -eq 130 ] || [ "$code" -eq 0 ]; } && code=0
    echo "  $code  $line"
    [ "$code" -eq 0 ] || { tail -n 15 "$WORLD/shown.log" >&2; return "$code"; }
}
id_of() { podman ps --all --quiet --filter "label=com.docker.compose.service=$1" --filter label=com.docker.compose.oneoff=False; }
state() { podman inspect --format "{{.State.$2}}" "$(id_of "$1")"; }
healthy() { podman healthcheck run "$(id_of tandem)" >/dev/null 2>&1; }
caught_up() {
    local left=${1:-120}
    until compose exec -T tandem tandem lag --max 5s >/dev/null 2>&1; do
        [ $((left--)) -gt 0 ] || fail "it does not catch up: $(compose logs --tail 5 tandem 2>&1)"
        sleep 1
    done
}
well() { # until the health check says so
    local left=60
    until healthy; do
        [ $((left--)) -gt 0 ] || fail "health check: $(compose logs --tail 5 tandem 2>&1)"
        sleep 1
    done
}
watched() { # Prometheus of the example scrapes tandem and knows the packaged alerts; every expression of the dashboard is one it answers
    compose --profile monitoring up -d prometheus >"$WORLD/shown.log" 2>&1 || tell "prometheus: $(tail -n 5 "$WORLD/shown.log")"
    local left=60
    until curl -sf http://127.0.0.1:9090/api/v1/targets | grep '"health":"up"' >/dev/null; do
        [ $((left--)) -gt 0 ] || tell "Prometheus does not scrape tandem: $(curl -s http://127.0.0.1:9090/api/v1/targets)"
        sleep 1
    done
    local rules
    rules=$(curl -sf http://127.0.0.1:9090/api/v1/rules | grep -o '"type":"alerting"' | wc -l)
    [ "$rules" -eq "$(grep -c 'alert:' packaging/prometheus/tandem.rules.yml)" ] || fail "Prometheus knows $rules alerts"
    echo "  Prometheus: scrapes tandem through the example's network, $rules alerts"
}
tell() { compose logs --tail 5 2>&1 | tail -n 60 >&2; fail "$*"; }

mapfile -t lines < <(shown)
for line in "${lines[@]}"; do
    case $line in
    *' exec tandem tandem lag --max '*) caught_up; run_shown "$line" || tell "$line" ;;
    # What batches brought is compared after the last of them; before that, rows of Data B may differ.
    *' tandem verify'*) caught_up; run_shown "$line" || [ "$?" -eq 4 ] || tell "$line" ;;
    *' exec tandem tandem '*) well; run_shown "$line" || tell "$line" ;;
    *' kill -s KILL tandem'*)
        sleep "${SECONDS_LONG:-20}"
        run_shown "$line" || tell "$line"
        for _ in $(seq 50); do [ "$(state tandem Running)" = false ] && break; sleep 0.2; done
        [ "$(state tandem ExitCode)" = 137 ] || fail "killed, it is $(state tandem Status), $(state tandem ExitCode)"
        run_shown 'docker compose -f docker/compose.yaml up -d' || tell 'up again'
        well
        caught_up
        ;;
    *' restart new'*) run_shown "$line" || tell "$line"; caught_up ;;
    *' stop shop batch'*) caught_up; watched; run_shown "$line" || tell "$line" ;;
    *' run --rm shop bookstore check'*)
        compose exec -T tandem tandem b final >"$WORLD/shown.log" 2>&1 || tell "b final: $(tail -n 5 "$WORLD/shown.log")"
        compose exec -T tandem tandem verify >"$WORLD/verify.log" 2>&1 || tell "verify: $(cat "$WORLD/verify.log")"
        echo "  verify: $(tail -n 1 "$WORLD/verify.log")"
        run_shown "$line" || tell "$line"
        # The same without docker-compose between, which does not hand on what it said.
        read -ra words < <(sed 's/.* run --rm shop //' <<<"$line")
        podman run --rm --network "$(podman network ls --format '{{.Name}}' | grep _default)" -w /var/lib/tandem \
            -v "$(podman volume ls --format '{{.Name}}' | grep _bookstore):/var/lib/tandem/bookstore" \
            "docker.io/library/$(named tandem)" "${words[@]}" >"$WORLD/shown.log" 2>&1 || fail "the ledger: $(cat "$WORLD/shown.log")"
        echo "  ledger: $(tail -n 1 "$WORLD/shown.log")"
        ;;
    *' down -v'*)
        started=$SECONDS
        compose stop tandem >"$WORLD/shown.log" 2>&1 || tell 'stop tandem'
        [ "$(state tandem ExitCode)" = 0 ] || fail "stopped, it ended with $(state tandem ExitCode)"
        echo "  stop: $((SECONDS - started)) s after SIGTERM, exit code 0"
        if healthy; then fail 'the health check passes while nothing runs'; fi
        run_shown "$line" || tell "$line"
        [ -z "$(podman ps --all --quiet)" ] && [ -z "$(podman volume ls --quiet)" ] || fail "left: $(podman ps --all; podman volume ls)"
        ;;
    *) run_shown "$line" || tell "$line" ;;
    esac
done
[ "${#lines[@]}" -ge 10 ] || fail "docs/docker.md shows ${#lines[@]} commands only"
echo "soak image: passed (${#lines[@]} commands of docs/docker.md)"
