#!/usr/bin/env bash
# The Debian package in a fresh Debian of this machine's release: built, looked at by lintian, installed with what it depends on,
# used, upgraded, removed, purged; afterwards nothing of it is there but what is an operator's. Its manual pages are read by man, its
# completions by bash and zsh, its unit by systemd. Needs root and a Debian mirror.
#
#     TANDEM_DEB_BINARY  a binary with the Swift runtime linked in, instead of a release that is built now
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

[ "$(id -u)" -eq 0 ] || { echo 'soak deb needs root: it makes a Debian system in a directory' >&2; exit 2; }
command -v debootstrap >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get install -y -q debootstrap >&2
release=$(. /etc/os-release && echo "$VERSION_CODENAME")
world=$(mktemp -d /tmp/tandem-deb.XXXXXX)
root=$world/root
leave() {
    for mounted in "$root/proc" "$root/dev/pts"; do ! mountpoint -q "$mounted" || umount -l "$mounted"; done
    rm -rf --one-file-system "$world"
}
trap leave EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

binary=${TANDEM_DEB_BINARY:-}
if [ -z "$binary" ]; then
    make deb >"$world/build.log" 2>&1 || { tail "$world/build.log" >&2; fail 'make deb'; }
else
    scripts/deb.sh "$binary" >"$world/build.log" 2>&1 || { tail "$world/build.log" >&2; fail 'the package was not built'; }
fi
package=$(ls -t .build/deb/*.deb | head -n 1)
dpkg-deb --info "$package" | grep -E '^ (Version|Depends|Installed-Size)'
case $(dpkg-deb --field "$package" Depends) in *swift*) fail 'it depends on Swift' ;; esac

debootstrap --variant=minbase "$release" "$root" >"$world/debootstrap.log" 2>&1 || { tail "$world/debootstrap.log" >&2; fail debootstrap; }
cp /etc/resolv.conf /etc/hosts "$root/etc/" 2>/dev/null || true
mount -t proc proc "$root/proc"
# For zsh, which is asked at a terminal.
mkdir -p "$root/dev/pts"
mount -t devpts -o mode=620,ptmxmode=666 devpts "$root/dev/pts"
inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
# Nothing is started in there, and manual pages are kept, which minimal systems leave out.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
inside apt-get -q update >/dev/null

# What its dependencies bring is not its own.
needs=$(dpkg-deb --field "$package" Depends | tr ',' '\n' | sed 's/(.*//; s/|.*//; s/ //g')
inside apt-get -qy --no-install-recommends install $needs man-db bash-completion zsh systemd lintian groff-base >"$world/needs.log" 2>&1 || { tail "$world/needs.log" >&2; fail 'its dependencies'; }
state() { (cd "$root" && find . -xdev \( -path ./proc -o -path ./var/cache -o -path ./var/lib/dpkg -o -path ./var/lib/apt -o -path ./var/log -o -path ./tmp \) -prune -o -print | sort); }
state >"$world/before"
accounts() { cut -d: -f1 "$root/etc/passwd" "$root/etc/group" | sort; }
accounts >"$world/accounts"

cp "$package" "$root/tandem.deb"
inside apt-get -qy --no-install-recommends install /tandem.deb >"$world/install.log" 2>&1 || { tail "$world/install.log" >&2; fail 'it does not install'; }

inside tandem --version
[ "$(inside stat -c '%U:%G %a' /etc/tandem)" = 'root:tandem 750' ] || fail "/etc/tandem is $(inside stat -c '%U:%G %a' /etc/tandem)"
inside id tandem >/dev/null || fail 'there is no account tandem'
for file in /usr/share/man/man1/tandem.1.gz /usr/share/man/man1/tandem-run.1.gz \
    /usr/share/bash-completion/completions/tandem /usr/share/zsh/vendor-completions/_tandem \
    /lib/systemd/system/tandem@.service /usr/share/tandem/prometheus/tandem.rules.yml /usr/share/tandem/grafana/tandem.json \
    /usr/share/doc/tandem/copyright /usr/share/doc/tandem/changelog.gz /usr/share/doc/tandem/docs/tutorial.md; do
    [ -e "$root$file" ] || [ -e "$root/usr$file" ] || fail "$file is not there"
done
inside man --path tandem-run >/dev/null && inside man -l /usr/share/man/man1/tandem-run.1.gz >"$world/man" && [ -s "$world/man" ] || fail 'no manual page'
# Every page, without a word of complaint, and none with a hole in its text.
pages=0
for page in "$root"/usr/share/man/man1/tandem*.1.gz; do
    pages=$((pages + 1))
    inside env MANWIDTH=80 man --warnings -E UTF-8 -Tutf8 -l "/usr/share/man/man1/$(basename "$page")" >"$world/man" 2>"$world/said" || fail "man: $page"
    [ ! -s "$world/said" ] || fail "$(basename "$page"): $(head -n 3 "$world/said")"
    # Without what makes it bold on paper.
    sed 's/.\x08//g; s/\x1b\[[0-9;]*m//g' "$world/man" | grep 'EXIT STATUS' >/dev/null || fail "$(basename "$page") is cut off"
    ! zcat "$page" | grep -E '^[^. ].*[^ ]   +[^ ]' >&2 || fail "$(basename "$page") has holes in its text"
done
[ "$pages" -gt 30 ] || fail "$pages manual pages"
# As a person's shell has them: bash through bash-completion, zsh through compinit, at a prompt with keys.
offered=$(inside bash -ic '. /usr/share/bash-completion/bash_completion; _load_comp tandem 2>/dev/null || __load_completion tandem
    complete -p tandem >/dev/null || exit 1
    COMP_WORDS=(tandem adv) COMP_CWORD=1 COMP_LINE="tandem adv" COMP_POINT=10; _tandem; echo "${COMPREPLY[*]}"' 2>/dev/null)
[ "$offered" = advance ] || fail "bash offers '$offered' for adv"
# Asked at a prompt for what it has made of the line: what the screen shows of it goes back and forth.
cat >"$root/tmp/keys" <<'END'
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'autoload -Uz compinit; compinit -u -d /tmp/dump; bindkey "^I" expand-or-complete
show() { print -r -- "$BUFFER" >/tmp/line }; zle -N show; bindkey "^T" show'
sleep 1
zpty -r -t shell line '*' 2>/dev/null
zpty -w -n shell $'tandem sw\t--ba\t\x14'
for try in {1..50}; do [[ -s /tmp/line ]] && break; sleep 0.2; done
while zpty -r -t shell line; do print -rn -- "$line"; done
zpty -d shell
END
inside zsh -f /tmp/keys >"$world/said" 2>&1 || true
[ "$(cat "$root/tmp/line" 2>/dev/null)" = 'tandem switch --back ' ] \
    || fail "zsh completes '$(cat "$root/tmp/line" 2>/dev/null)': $(cat -v "$world/said" | tail -n 5)"
rm -f "$root/tmp/keys" "$root/tmp/line" "$root/tmp/dump"
# The unit, as an instance of it would be.
install -D -m 640 /dev/null "$root/etc/tandem/shop/tandem.yaml"
cp "$root/lib/systemd/system/tandem@.service" "$world/tandem@shop.service"
inside systemd-analyze verify --man=no /lib/systemd/system/tandem@.service >"$world/said" 2>&1 || fail "systemd-analyze verify: $(cat "$world/said")"
! grep -i tandem "$world/said" || fail 'systemd-analyze verify complains'
exposure=$(inside systemd-analyze security --offline=true --no-pager /lib/systemd/system/tandem@.service 2>/dev/null | sed -n 's/.*Overall exposure level[^:]*: \([0-9.]*\).*/\1/p')
[ -n "$exposure" ] && awk -v e="$exposure" 'BEGIN { exit !(e < 2) }' || fail "systemd-analyze security: exposure $exposure"
rm -r "$root/etc/tandem/shop"
complaints=$(inside lintian --fail-on none /tandem.deb 2>/dev/null | grep '^[EW]:' || true)
[ -z "$complaints" ] || fail "lintian: $complaints"
echo "$pages manual pages, completions in bash and zsh, unit verified (exposure $exposure of 10), lintian content"
# As the service would run it: refused for want of a configuration, and it says so.
code=0
inside setpriv --reuid=tandem --regid=tandem --init-groups tandem run --config /etc/tandem/none.yaml 2>"$world/said" || code=$?
[ "$code" -eq 2 ] || fail "as the account tandem it ended with $code: $(cat "$world/said")"
changed=$(inside dpkg --verify tandem || true)
[ -z "$changed" ] || fail "files are not what was packaged: $changed"

# The same again is an upgrade.
inside dpkg -i /tandem.deb >/dev/null
install -D -m 640 /dev/null "$root/etc/tandem/shop/tandem.yaml"
inside apt-get -qy remove tandem >"$world/remove.log" 2>&1 || { tail "$world/remove.log" >&2; fail 'it is not removed'; }
[ ! -e "$root/usr/bin/tandem" ] || fail 'the binary stayed'
[ -e "$root/etc/tandem/shop/tandem.yaml" ] || fail 'removing took the configuration along'
inside apt-get -qy purge tandem >"$world/purge.log" 2>&1 || { tail "$world/purge.log" >&2; fail 'it is not purged'; }
[ -e "$root/etc/tandem/shop/tandem.yaml" ] || fail "purging took an operator's configuration along"
rm -r "$root/etc/tandem" "$root/tandem.deb"
state >"$world/after"
# What accounts and a look at units leave behind is Debian's.
left=$(diff "$world/before" "$world/after" | grep '^[<>]' | grep -vE '/etc/(passwd|group|shadow|gshadow|subuid|subgid)-?$|/run/adduser$|/run/systemd/systemd-units-load$' || true)
[ -z "$left" ] || fail "that stayed behind, or went: $left"
accounts | diff "$world/accounts" - >&2 || fail 'accounts stayed behind'

# Installed with nothing of an operator's, purged: not even directories stay.
cp "$package" "$root/tandem.deb"
inside dpkg -i /tandem.deb >/dev/null && inside dpkg --purge tandem >/dev/null
for directory in /etc/tandem /var/lib/tandem /usr/share/tandem /usr/share/doc/tandem; do
    [ ! -e "$root$directory" ] || fail "$directory stayed"
done
echo "soak deb: passed ($(basename "$package") on $release, $(du -k "$package" | cut -f1) kB)"
