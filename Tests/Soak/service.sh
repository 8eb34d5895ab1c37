#!/usr/bin/env bash
# docs/installing.md, "As a service", by a real systemd: a fresh Debian of this machine's release is booted in namespaces of its own, the
# package is installed there as the page says, with two clusters that need a password, and the unit is enabled. It copies and follows
# inside its sandbox, comes again after kill -9, stays up while a server is restarted, stops within seconds, rests after an exit code
# that waits for a person, comes up with the machine when that is booted again, and goes with its package. Every `systemctl`,
# `journalctl` and `sudo` of the page is run as it stands. Needs root and a Debian mirror.
#
#     TANDEM_DEB_BINARY  a binary with the Swift runtime linked in, instead of a release that is built now
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

[ "$(id -u)" -eq 0 ] || { echo 'soak service needs root: it boots a Debian system in a directory' >&2; exit 2; }
command -v debootstrap >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get install -y -q debootstrap >&2
release=$(. /etc/os-release && echo "$VERSION_CODENAME")
fail() { echo "FAILED: $*" >&2; exit 1; }

# The part that becomes the first process of the machine in the directory.
if [ "${1:-}" = boot ]; then
    root=$2
    mount --make-rprivate /
    mount --bind "$root" "$root"
    ip link set lo up
    mount -t proc proc "$root/proc"
    mount -t sysfs sys "$root/sys"
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
    for place in run tmp; do mount -t tmpfs tmpfs "$root/$place"; done
    mount -t tmpfs -o mode=755 tmpfs "$root/dev"
    for device in null zero full random urandom tty; do touch "$root/dev/$device" && mount --bind "/dev/$device" "$root/dev/$device"; done
    mkdir "$root/dev/pts" "$root/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
    ln -s pts/ptmx "$root/dev/ptmx"
    mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
    exec chroot "$root" env -i container=soak PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --log-target=journal
fi

world=$(mktemp -d /var/tmp/tandem-service.XXXXXX)
root=$world/root machine=''
halt() {
    [ -n "$machine" ] || return 0
    kill -KILL "$machine" 2>/dev/null || true
    wait "$machine" 2>/dev/null || true
    machine=''
}
leave() {
    halt
    if [ -n "${KEEP:-}" ]; then echo "Kept: $world" >&2; else rm -rf --one-file-system "$world"; fi
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

binary=${TANDEM_DEB_BINARY:-}
if [ -z "$binary" ]; then
    make deb >"$world/build.log" 2>&1 || { tail "$world/build.log" >&2; fail 'make deb'; }
else
    scripts/deb.sh "$binary" >"$world/build.log" 2>&1 || { tail "$world/build.log" >&2; fail 'the package was not built'; }
fi
package=$(ls -t .build/deb/*.deb | head -n 1)
debootstrap --variant=minbase --include=ca-certificates "$release" "$root" >"$world/debootstrap.log" 2>&1 || { tail "$world/debootstrap.log" >&2; fail debootstrap; }
cp /etc/resolv.conf /etc/hosts "$root/etc/" 2>/dev/null || true
chrooted() {
    unshare --mount --pid --fork bash -c 'mount -t proc proc "$1/proc" && shift && exec "$@"' chrooted "$root" \
        chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@" >"$world/said" 2>&1 ||
        { tail "$world/said" >&2; fail "$*"; }
}
chrooted apt-get -q update
# The machine has no way out once it is booted: what the package depends on is there before.
needs=$(dpkg-deb --field "$package" Depends | tr ',' '\n' | sed 's/(.*//; s/|.*//; s/ //g')
mkdir -p "$root/etc/postgresql-common/createcluster.d"
echo 'create_main_cluster = false' >"$root/etc/postgresql-common/createcluster.d/none.conf"
# Unquoted on purpose: words.
chrooted apt-get -qy --no-install-recommends install systemd systemd-sysv dbus sudo procps postgresql $needs

inside() { nsenter --target "$first" --all --root --wd env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive SYSTEMD_PAGER= "$@"; }
boot() {
    unshare --mount --pid --net --cgroup --uts --ipc --fork --kill-child bash Tests/Soak/service.sh boot "$root" >"$world/boot.log" 2>&1 </dev/null &
    machine=$!
    local left=120
    until first=$(pgrep -P "$machine") && inside systemctl is-system-running 2>/dev/null | grep -x 'running\|degraded' >/dev/null; do
        [ $((left--)) -gt 0 ] || fail "it does not boot: $(tail -n 5 "$world/boot.log")"
        sleep 0.5
    done
}
page() { grep -oE '`(sudo|systemctl|journalctl) [^`]*`' docs/installing.md | tr -d '`'; }
said() {
    local code=0
    inside "$@" >"$world/said" 2>&1 || code=$?
    [ "$code" -eq 0 ] || { tail -n 20 "$world/said" >&2; inside journalctl -n 20 -u tandem@bookstore >&2; fail "$* ended with $code"; }
}
ran=()
as_page() { # the command of the page that begins so
    local line
    line=$(page | grep -F -- "$1" | head -n 1)
    [ -n "$line" ] || fail "docs/installing.md has no $1"
    ran+=("$line")
    # Unquoted on purpose: words.
    said $line
}
property() { inside systemctl show --value --property "$1" tandem@bookstore; }
is() { # PROPERTY VALUE [SECONDS]
    local left=$((${3:-30} * 2))
    until [ "$(property "$1")" = "$2" ]; do
        [ $((left--)) -gt 0 ] || { inside journalctl -n 20 -u tandem@bookstore >&2; fail "$1 is $(property "$1"), not $2"; }
        sleep 0.5
    done
}
sql() { inside runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -p "$1" -d shop -c "$2"; }
follows() { # until new has as many rows as old
    local left=120
    until [ "$(sql 5434 'SELECT count(*), sum(n) FROM item' 2>/dev/null)" = "$(sql 5433 'SELECT count(*), sum(n) FROM item')" ]; do
        [ $((left--)) -gt 0 ] || { inside journalctl -n 20 -u tandem@bookstore >&2; fail 'new does not follow'; }
        sleep 0.5
    done
}
write() { sql 5433 'INSERT INTO item SELECT max(id) + 1, 1 FROM item; UPDATE item SET n = n + 1 WHERE id <= 10'; }

boot
echo "booted: $(inside systemctl --version | head -n 1), $release"
version=$(ls "$root/usr/lib/postgresql")
for side in old:5433 new:5434; do
    said pg_createcluster -p "${side#*:}" "$version" "${side%:*}"
    echo 'wal_level = logical' >>"$root/etc/postgresql/$version/${side%:*}/postgresql.conf"
    said systemctl enable --now "postgresql@$version-${side%:*}"
    inside runuser -u postgres -- createdb -p "${side#*:}" shop
    sql "${side#*:}" "CREATE ROLE tandem SUPERUSER LOGIN PASSWORD 'kept in a file'"
done
sql 5433 'CREATE TABLE item (id int PRIMARY KEY, n int); INSERT INTO item SELECT g, g FROM generate_series(1, 20000) g'

cp "$package" "$root/srv/"
said apt-get -qy install "/srv/$(basename "$package")"
[ "$(property ActiveState)" = inactive ] || fail 'installing it has started it'
inside install -d -o root -g tandem -m 750 /etc/tandem/bookstore
cat >"$root/etc/tandem/bookstore/tandem.yaml" <<'YAML'
migration: bookstore
pairs:
  - name: shop
    old: postgresql://tandem@127.0.0.1:5433/shop
    new: postgresql://tandem@127.0.0.1:5434/shop
data_a: ["public.*"]
spill: /var/lib/tandem/bookstore/spill
evidence: /var/lib/tandem/bookstore/evidence
listen: 127.0.0.1:9187
YAML
echo 'PGCONNECT_TIMEOUT=7' >"$root/etc/tandem/bookstore/environment"
inside chown root:tandem /etc/tandem/bookstore/tandem.yaml /etc/tandem/bookstore/environment
inside chmod 640 /etc/tandem/bookstore/tandem.yaml /etc/tandem/bookstore/environment
echo '127.0.0.1:*:*:tandem:kept in a file' >"$world/passwords"
# Where the page says that libpq finds it.
passwords=$(grep -oE '`/var/lib/tandem/\.[a-z]+`' docs/installing.md | head -n 1 | tr -d '`')
install -m 600 "$world/passwords" "$root$passwords"
inside chown tandem:tandem "$passwords"

as_page 'systemctl enable --now'
is ActiveState active
follows
inside grep -z '^PGCONNECT_TIMEOUT=7$' "/proc/$(property MainPID)/environ" >/dev/null || fail 'what is in environment does not reach it'
as_page 'sudo -u tandem tandem status'
grep -E 'streaming' "$world/said" >/dev/null || fail "status: $(cat "$world/said")"
as_page 'journalctl -u tandem@bookstore'
grep 'tandem' "$world/said" >/dev/null || fail 'the journal is empty'
[ -z "$(inside find /var/lib/tandem /run/tandem -user root -type f 2>/dev/null)" ] || fail 'files of root'
echo "followed: copied in its sandbox, password from a file"

was=$(property MainPID)
inside kill -KILL "$was"
began=$SECONDS
is NRestarts 1
is ActiveState active
write && follows
[ "$(property MainPID)" != "$was" ] || fail 'it was not started again'
echo "kill -9: started again and level $((SECONDS - began)) s later"
said systemctl restart "postgresql@$version-new"
write && follows
said systemctl restart "postgresql@$version-old"
write && follows
[ "$(property NRestarts)" = 1 ] || fail 'a restart of a server ended it'
began=$SECONDS
said systemctl stop tandem@bookstore
is ActiveState inactive
[ "$(property Result) $(property ExecMainStatus)" = 'success 0' ] || fail "stopped: $(property Result), $(property ExecMainStatus)"
echo "stop: $((SECONDS - began)) s, exit code 0"

write
inside mv /etc/tandem/bookstore/tandem.yaml /etc/tandem/bookstore/away
inside systemctl start tandem@bookstore || true
is ActiveState failed
sleep 7
[ "$(property ActiveState) $(property ExecMainStatus) $(property NRestarts)" = 'failed 2 0' ] ||
    fail "without a configuration: $(property ActiveState), $(property ExecMainStatus), $(property NRestarts) starts more"
inside systemctl status tandem@bookstore >"$world/said" 2>&1 || true
grep 'tandem.yaml' "$world/said" >/dev/null || fail "systemctl status does not say why: $(cat "$world/said")"
inside mv /etc/tandem/bookstore/away /etc/tandem/bookstore/tandem.yaml
echo 'exit code 2: it rests, and systemctl status says why'

halt
boot
is ActiveState active 60
follows
said apt-get -qy remove tandem
[ "$(property ActiveState)" != active ] && ! inside pgrep -x tandem >"$world/said" || fail 'it runs on without its package'
[ "$(sql 5433 "SELECT count(*) FROM pg_replication_slots")" = 1 ] || fail 'removing the package touched a database'
echo 'booted again: up by itself and level; removed: stopped, the slot on old is as it was'
said apt-get -qy install "/srv/$(basename "$package")"
inside systemctl stop tandem@bookstore
said sudo -u tandem tandem abort --yes --config /etc/tandem/bookstore/tandem.yaml
[ "$(sql 5433 "SELECT count(*) FROM pg_replication_slots")" = 0 ] || fail 'abort left the slot'

# Forms of the same commands without a name stand in sentences.
while read -r line; do
    printf '%s\n' "${ran[@]}" | grep -F -- "$line" >/dev/null || case $line in
    'systemctl restart' | 'systemctl stop' | 'systemctl status' ) ;;
    *) fail "docs/installing.md shows what was not run: $line" ;;
    esac
done < <(page)
echo "soak service: passed ($(basename "$package") on $release, PostgreSQL $version)"
