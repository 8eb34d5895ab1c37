#!/usr/bin/env bash
# The dashboard read by Grafana's own model of dashboards, in two of its versions: what the model does not know, a value that is none
# of those it allows, and a unit that Grafana does not have are errors. It comes from PyPI (grafana-foundation-sdk), into a directory
# that vanishes. Grafana itself is not asked: Debian does not have it.
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
world=$(mktemp -d /tmp/tandem-dashboard.XXXXXX)
trap 'rm -rf "$world"' EXIT

# The number before the exclamation mark is the release of the package, the one behind it Grafana's.
for version in '1769699998!10.1.0' '1769699379!11.6.0'; do
    python3 -m venv "$world/$version"
    "$world/$version/bin/pip" -q --disable-pip-version-check install "grafana-foundation-sdk==$version"
    echo -n "Grafana ${version#*!}: "
    "$world/$version/bin/python" "$repository/Tests/Soak/dashboard/model.py" "$repository/packaging/grafana/tandem.json"
done
echo 'soak dashboard: passed'
