"""Grafana panels and their layout."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH, _HEIGHT = 24, 8

_STAT_HEIGHT = 4


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel with PromQL expressions by legend, which may contain labels such as `{{route}}`.

    `limit` is drawn as a line, `floor` is the minimum of the axis, `meaning` the description. A
    `stat` shows the latest value instead of curves.
    """

    title: str
    curves: dict[str, str]
    unit: str = "short"
    limit: float | None = None
    floor: float | None = 0
    meaning: str = ""
    stat: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """Panels side by side, with a heading."""

    title: str
    panels: Sequence[Panel]


def layout(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the JSON of all rows and panels, with their positions and ids."""
    tops = accumulate([1 + _height(row) for row in rows], initial=0)
    panels = [panel for row, top in zip(rows, tops, strict=False) for panel in _row(row, top)]
    return [panel | {"id": number} for number, panel in enumerate(panels, 1)]


def _height(row: Row) -> int:
    return _STAT_HEIGHT if all(panel.stat for panel in row.panels) else _HEIGHT


def _row(row: Row, top: int) -> Iterator[dict[str, Any]]:
    position = {"h": 1, "w": WIDTH, "x": 0, "y": top}
    yield {"type": "row", "title": row.title, "collapsed": False, "panels": [], "gridPos": position}
    width = WIDTH // len(row.panels)
    for column, panel in enumerate(row.panels):
        position = {"h": _height(row), "w": width, "x": column * width, "y": top + 1}
        yield _panel(panel) | {"gridPos": position}


def _panel(panel: Panel) -> dict[str, Any]:
    return {
        "type": "stat" if panel.stat else "timeseries",
        "title": panel.title,
        "description": panel.meaning,
        "datasource": DATASOURCE,
        "targets": [_target(*curve, ref=chr(65 + i)) for i, curve in enumerate(_curves(panel))],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _STAT if panel.stat else _CURVES,
    }


def _curves(panel: Panel) -> list[tuple[str, str]]:
    return list(panel.curves.items())


def _target(legend: str, expression: str, *, ref: str) -> dict[str, Any]:
    return {
        "refId": ref,
        "datasource": DATASOURCE,
        "editorMode": "code",
        "expr": expression,
        "legendFormat": legend,
        "range": True,
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    custom: dict[str, Any] = {"lineWidth": 1, "fillOpacity": 8, "showPoints": "never"}
    if panel.limit is not None:
        steps.append({"color": "red", "value": panel.limit})
        custom["thresholdsStyle"] = {"mode": "dashed"}
    thresholds = {"mode": "absolute", "steps": steps}
    defaults: dict[str, Any] = {"unit": panel.unit, "thresholds": thresholds}
    return defaults if panel.stat else defaults | {"min": panel.floor, "custom": custom}


_STAT = {"colorMode": "value", "graphMode": "area", "reduceOptions": {"calcs": ["lastNotNull"]}}
_CURVES = {
    "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
    "tooltip": {"mode": "multi", "sort": "desc"},
}
