#!/usr/bin/env bash
# Installs the Debian packages that building and testing need. Does nothing, and asks no network, when all are there.
# Debian's `postgresql` would also create a cluster and start it as a service; nobody asked for one, so that is switched
# off while we install, unless this machine was already set up for PostgreSQL clusters by somebody else. `pgbouncer`, which
# one test starts by itself, is kept from starting as a service, now and at boot; so is `prometheus`, which one test has scrape.
set -euo pipefail

packages=(libpq-dev libssl-dev liblz4-dev libyaml-dev pkg-config postgresql postgresql-contrib pgbouncer lz4 locales faketime
    prometheus)

installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

if ! command -v dpkg-query >/dev/null; then
    echo "This is not a Debian system: please provide what these packages hold: ${packages[*]}" >&2
    exit 0
fi

# Some tests want servers that speak German.
has_german() { locale -a 2>/dev/null | grep -ix 'de_DE.utf-\?8' >/dev/null; }

missing=()
for package in "${packages[@]}"; do
    installed "$package" || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ] && has_german; then exit 0; fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
        [ ${#missing[@]} -gt 0 ] || exit 0
        echo "Missing packages: ${missing[*]}. Install them as root; there is no sudo here." >&2
        exit 1
    }
    as_root=(sudo)
fi
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -q --no-install-recommends "$@"; }

if [ ${#missing[@]} -eq 0 ]; then
    "${as_root[@]}" localedef -i de_DE -f UTF-8 de_DE.UTF-8
    exit 0
fi
echo "Installing: ${missing[*]}"
apt update
leftovers=()
trap 'for path in "${leftovers[@]}"; do "${as_root[@]}" rm -f "$path"; done' EXIT
if ! installed postgresql-common; then
    # Its configuration must be there before a server package looks at it.
    apt install postgresql-common
    settings=/etc/postgresql-common/createcluster.d
    drop_in=$settings/zz-no-main-cluster.conf
    "${as_root[@]}" mkdir -p "$settings"
    leftovers+=("$drop_in")
    echo 'create_main_cluster = false' | "${as_root[@]}" tee "$drop_in" >/dev/null
fi

# What would begin to serve although nobody asked for it.
silent=()
for service in pgbouncer prometheus; do
    installed "$service" || silent+=("$service")
done
policy=/usr/sbin/policy-rc.d
if [ ${#silent[@]} -gt 0 ] && [ ! -e "$policy" ]; then
    leftovers+=("$policy")
    {
        printf '%s\n' '#!/bin/sh' 'case " $* " in'
        for service in "${silent[@]}"; do
            printf '%s\n' "*\" $service \"* | *\" $service.service \"*) exit 101 ;;"
        done
        echo esac
    } | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
fi
apt install "${missing[@]}"
for service in "${silent[@]}"; do
    # Somebody else's policy may have let it start.
    "${as_root[@]}" invoke-rc.d --quiet "$service" stop >/dev/null 2>&1 || true
    "${as_root[@]}" systemctl --quiet disable "$service.service" >/dev/null 2>&1 || true
    "${as_root[@]}" update-rc.d "$service" disable >/dev/null 2>&1 || true
done
has_german || "${as_root[@]}" localedef -i de_DE -f UTF-8 de_DE.UTF-8
