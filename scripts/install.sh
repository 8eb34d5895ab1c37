#!/usr/bin/env bash
# scripts/install.sh BINARY: puts tandem, its manual pages, completions, systemd unit, alerts and dashboard below $DESTDIR$PREFIX.
# scripts/install.sh --remove: removes exactly what that has put there, by the list it left.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

prefix=${PREFIX:-/usr/local}
destination=${DESTDIR:-}
root=$destination$prefix
list=share/tandem/installed

if [ "${1:-}" = --remove ]; then
    [ -f "$root/$list" ] || { echo "Nothing was installed below $root." >&2; exit 1; }
    while read -r file; do rm -f "$root/$file"; done <"$root/$list"
    rm -f "$root/$list"
    for made in share/tandem share/doc/tandem; do
        [ ! -d "$root/$made" ] || find "$root/$made" -depth -type d -empty -delete
    done
    exit 0
fi
binary=${1:?the binary to install}
[ -x "$binary" ] || { echo "There is no $binary: run \`make release\`." >&2; exit 1; }

files=()
put() { # MODE FILE PLACE
    install -D -m "$1" "$2" "$root/$3"
    files+=("$3")
}

made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
"$binary" documents "$made"
# The unit names the binary where it is.
sed "s|/usr/bin/tandem|$prefix/bin/tandem|" packaging/tandem@.service >"$made/unit"

put 755 "$binary" bin/tandem
for page in "$made"/man1/*.1; do
    gzip -9n "$page"
    put 644 "$page.gz" "share/man/man1/$(basename "$page").gz"
done
put 644 "$made/bash-completion/tandem" share/bash-completion/completions/tandem
# Where Debian's zsh looks is not below /usr/local.
zsh=share/zsh/site-functions
[ "$prefix" != /usr ] || zsh=share/zsh/vendor-completions
put 644 "$made/zsh/_tandem" "$zsh/_tandem"
put 644 "$made/unit" lib/systemd/system/tandem@.service
for document in README.md CHANGELOG.md LICENSE docs/*.md docs/decisions/*.md; do
    put 644 "$document" "share/doc/tandem/$document"
done
put 644 packaging/prometheus/tandem.rules.yml share/tandem/prometheus/tandem.rules.yml
put 644 packaging/grafana/tandem.json share/tandem/grafana/tandem.json
printf '%s\n' "${files[@]}" >"$root/$list"
[ -n "$destination" ] || echo "Installed below $prefix: ${#files[@]} files. \`make uninstall\` removes them."
