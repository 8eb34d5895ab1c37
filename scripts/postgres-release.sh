#!/usr/bin/env bash
# Makes PostgreSQL of another major version usable for tests: its Debian release in a directory of its own, entered with
# chroot. Prints the directory. Fetches what is missing; needs root. Usage: postgres-release.sh MAJOR TEST_ROOT
set -euo pipefail

major=${1:?which major version?}
test_root=${2:?where do tests keep their servers?}
declare -A suites=([13]=bullseye [15]=bookworm [17]=trixie [18]=sid)
suite=${suites[$major]:-}
[ -n "$suite" ] || { echo "PostgreSQL $major is in no Debian release known here: ${!suites[*]}" >&2; exit 2; }
[ "$(id -u)" -eq 0 ] || { echo "Fetching PostgreSQL $major needs root: it runs in a directory entered with chroot" >&2; exit 2; }

here=$(cd "$(dirname "$0")/.." && pwd)
root=${TANDEM_PG_ROOTS:-$here/.postgres}/$major

# One at a time: several may ask for the same version at once.
mkdir -p "$(dirname "$root")"
exec 9>"$root.lock"
flock 9

# Of an attempt at fetching: /proc may be mounted in it, which must be neither kept nor deleted through.
unmount_below() {
    local mounted
    awk -v part="$1/" 'index($2, part) == 1 { print $2 }' /proc/mounts | sort -r \
        | while read -r mounted; do umount "$mounted" || exit 1; done
}

if [ ! -x "$root/usr/lib/postgresql/$major/bin/postgres" ]; then
    command -v debootstrap >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get install -y -q debootstrap >&2
    echo "fetching PostgreSQL $major from Debian $suite" >&2
    unmount_below "$root.part"
    rm -rf --one-file-system "$root.part"
    debootstrap --variant=minbase --include="postgresql-$major" "$suite" "$root.part" \
        >"$root.log" 2>&1 9>&- || { tail -n 5 "$root.log" >&2; exit 1; }
    # Debian starts a cluster of its own where it can; none is wanted here.
    rm -rf "$root.part/var/lib/postgresql/$major"
    unmount_below "$root.part"
    mv "$root.part" "$root"
fi

# Servers run under this system's postgres account, so that both sides may touch the same files.
account=$(id -u postgres):$(id -g postgres)
grep -q "^[^:]*:[^:]*:${account%:*}:" "$root/etc/passwd" ||
    echo "tandem-test:x:$account::/tmp:/bin/sh" >>"$root/etc/passwd"

# Some tests want servers that speak German.
chroot "$root" locale -a | grep -ix 'de_DE.utf-\?8' >/dev/null \
    || chroot "$root" localedef -i de_DE -f UTF-8 de_DE.UTF-8 2>/dev/null || true

mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
mkdir -p "$root/dev/shm"
mountpoint -q "$root/dev/shm" || mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mkdir -p "$test_root" "$root$test_root"
mountpoint -q "$root$test_root" || mount --bind "$test_root" "$root$test_root"
echo "$root"
