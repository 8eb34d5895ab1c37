"""Reads a dashboard with Grafana's generated model and writes it again: what is gone, or another, the model does not know."""

import enum
import inspect
import json
import sys

from grafana_foundation_sdk.cog import encoder, plugins
from grafana_foundation_sdk.models import common, dashboard, stat, timeseries, units

faults = []
# Belongs to the query of an annotation, which stands beside the annotation's own fields; the model keeps `expr` of it only.
OF_THE_DATA_SOURCE = {"annotations.list.titleFormat"}
# Of each kind of value, which ones there are.
ALLOWED = {
    "options.colorMode": common.BigValueColorMode,
    "options.textMode": common.BigValueTextMode,
    "options.legend.displayMode": common.LegendDisplayMode,
    "options.legend.placement": ("bottom", "right"),
    "options.tooltip.mode": common.TooltipDisplayMode,
    "options.tooltip.sort": common.SortOrder,
    "fieldConfig.defaults.custom.showPoints": common.VisibilityMode,
    "fieldConfig.defaults.thresholds.mode": dashboard.ThresholdsMode,
}


def compare(given, written, place=""):
    if isinstance(given, dict) and isinstance(written, dict):
        for key, value in given.items():
            here = f"{place}.{key}".lstrip(".")
            if key in written:
                compare(value, written[key], here)
            elif here not in OF_THE_DATA_SOURCE:
                faults.append(f"{here} is not known")
    elif isinstance(given, list) and isinstance(written, list):
        if len(given) != len(written):
            faults.append(f"{place}: {len(given)} became {len(written)}")
        for one, other in zip(given, written):
            compare(one, other, place)
    elif given != written:
        faults.append(f"{place}: {given!r} became {written!r}")


def values(tree, path=""):
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from values(value, f"{path}.{key}".lstrip("."))
    elif isinstance(tree, list):
        for value in tree:
            yield from values(value, path)
    else:
        yield path, tree


def allowed(kind):
    return {one.value for one in kind} if inspect.isclass(kind) and issubclass(kind, enum.Enum) else set(kind)


plugins.register_default_plugins()
with open(sys.argv[1], encoding="utf-8") as file:
    board = json.load(file)
written = json.loads(encoder.JSONEncoder(sort_keys=True).encode(dashboard.Dashboard.from_json(board)))
compare(board, written)
known_units = {one for name, one in vars(units).items() if not name.startswith("_") and isinstance(one, str)}
seen = 0
for panel in board["panels"]:
    if panel["type"] not in ("stat", "timeseries"):
        faults.append(f"{panel['title']}: no such panel as {panel['type']}")
    for path, value in values(panel):
        seen += 1
        if path in ALLOWED and value not in allowed(ALLOWED[path]):
            faults.append(f"{panel['title']}: {path} cannot be {value!r}")
        if path.endswith(".unit") and value not in known_units:
            faults.append(f"{panel['title']}: no unit {value!r}")
for fault in faults:
    print(fault, file=sys.stderr)
print(f"{len(board['panels'])} panels, {seen} values read and written again, {len(faults)} faults")
sys.exit(1 if faults else 0)
