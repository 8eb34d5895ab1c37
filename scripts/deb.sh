#!/usr/bin/env bash
# scripts/deb.sh BINARY: a Debian package of it in .build/deb. What it depends on is read from the binary itself; pg_dump and
# pg_restore, which make the schema, must be at least as new as the newer server, so that their version is for the operator.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

binary=${1:?the binary to package}
# What dpkg-shlibdeps does not know it leaves out: such a package would install, and not start.
! ldd "$binary" | grep libswift >/dev/null || { echo "$binary needs Swift's libraries: build it with \`make release\`." >&2; exit 1; }
version=$("$binary" --version | awk '{ print $NF }')
revision=$version-1
architecture=$(dpkg --print-architecture)
out=.build/deb
tree=$out/tandem_${revision}_$architecture
rm -rf "$tree"
mkdir -p "$tree/DEBIAN"

DESTDIR=$tree PREFIX=/usr scripts/install.sh "$binary"
rm -f "$tree/usr/share/tandem/installed"
strip --strip-unneeded --remove-section=.comment --remove-section=.note "$tree/usr/bin/tandem"
rm "$tree/usr/share/doc/tandem/LICENSE"
cat >"$tree/usr/share/doc/tandem/copyright" <<'END'
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: tandem

Files: *
Copyright: 2026 The tandem authors
License: Apache-2.0
 Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except in compliance with the
 License. Unless required by applicable law or agreed to in writing, software distributed under the License is distributed
 on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the License for the
 specific language governing permissions and limitations under the License.
 .
 On Debian systems the whole text of the License is in /usr/share/common-licenses/Apache-2.0.
Comment: Swift's runtime, which is linked in, is under the same license with its Runtime Library Exception.
END
gzip -9n "$tree/usr/share/doc/tandem/CHANGELOG.md"
mv "$tree/usr/share/doc/tandem/CHANGELOG.md.gz" "$tree/usr/share/doc/tandem/changelog.gz"
# The day of what was built, so that a build repeats itself.
day=$(git log -1 --format=%cD 2>/dev/null || date -R -r CHANGELOG.md)
printf 'tandem (%s) unstable; urgency=medium\n\n  * Release %s: see changelog.gz beside this file.\n\n -- The tandem authors <tandem@example.org>  %s\n' \
    "$revision" "$version" "$day" | gzip -9n >"$tree/usr/share/doc/tandem/changelog.Debian.gz"
chmod 644 "$tree/usr/share/doc/tandem"/{copyright,changelog.Debian.gz}
install -d -m 755 "$tree/etc/tandem" "$tree/var/lib/tandem" "$tree/usr/share/lintian/overrides"
cat >"$tree/usr/share/lintian/overrides/tandem" <<'END'
# Instances of a template are stopped when the package goes; debhelper's snippets know units by their whole names only.
tandem: maintainer-script-calls-systemctl [prerm:*]
# It does not come from Debian's archive, which such bugs are about.
tandem: initial-upload-closes-no-bugs *
END

# dpkg-shlibdeps wants a source package beside it.
sources=$(mktemp -d)
trap 'rm -rf "$sources"' EXIT
mkdir "$sources/debian"
printf 'Source: tandem\n\nPackage: tandem\nArchitecture: any\n' >"$sources/debian/control"
needs=$(cd "$sources" && dpkg-shlibdeps -O "$OLDPWD/$tree/usr/bin/tandem" 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
[ -n "$needs" ] || { echo 'dpkg-shlibdeps names no libraries.' >&2; exit 1; }

cat >"$tree/DEBIAN/control" <<END
Package: tandem
Version: $revision
Architecture: $architecture
Maintainer: The tandem authors <tandem@example.org>
Section: database
Priority: optional
Depends: $needs, adduser
Recommends: postgresql-client
Installed-Size: $(du -ks --exclude=DEBIAN "$tree" | cut -f1)
Description: moves a live service from one PostgreSQL database to another, and back
 A continuous logical-replication stream carries every change of the data that
 users see, timestamp batches carry derived tables, and a verifier proves row by
 row that both sides agree.
END
cat >"$tree/DEBIAN/postinst" <<'END'
#!/bin/sh
set -e
if [ "$1" = configure ]; then
    adduser --quiet --system --group --no-create-home --home /var/lib/tandem --gecos 'tandem' tandem
    # Connection strings may hold passwords.
    chown root:tandem /etc/tandem
    chmod 750 /etc/tandem
    if [ -d /run/systemd/system ]; then systemctl --system daemon-reload >/dev/null || true; fi
fi
END
cat >"$tree/DEBIAN/prerm" <<'END'
#!/bin/sh
set -e
# Old keeps its log for a stream that rests: whoever removes the package must have ended it, or want it back.
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
    systemctl stop 'tandem@*.service' >/dev/null 2>&1 || true
fi
END
cat >"$tree/DEBIAN/postrm" <<'END'
#!/bin/sh
set -e
if [ "$1" = purge ]; then
    # Evidence and configuration are the operator's: only what is empty goes.
    rmdir --ignore-fail-on-non-empty /etc/tandem /var/lib/tandem 2>/dev/null || true
    if command -v deluser >/dev/null; then deluser --quiet --system tandem >/dev/null 2>&1 || true; fi
fi
if [ -d /run/systemd/system ]; then systemctl --system daemon-reload >/dev/null || true; fi
END
chmod 755 "$tree"/DEBIAN/{postinst,prerm,postrm}
(cd "$tree" && find usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
dpkg-deb --root-owner-group --build "$tree" "$tree.deb"
