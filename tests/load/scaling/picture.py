"""Draws a part: rates or latencies on the left, processor use on the right."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator

from tests.load.bench.figures import Figures
from tests.load.picture import COLOURS, style_axes
from tests.load.scaling.measure import Measured
from tests.load.scaling.parts import Part
from tests.load.scaling.words import ROLES, core_count, format_number
from tests.load.usage import Role

_SERIES = ("#2874a6", "#e67e22")
_ROLES: dict[Role, str] = {
    "service": "#2874a6",
    "Redis": "#e67e22",
    "Postgres": "#af7ac5",
    "generator": "#aeb6bf",
    "other programs": "#e5e8e8",
}
_LEAST_SHOWN = 3.0
"""Percent of one core; roles that use less are left out."""

_LABELS: dict[Role, str] = {
    "service": "service",
    "Redis": "Redis",
    "Postgres": "Postgres (audit trail)",
    "generator": "load generator",
    "other programs": "other programs",
}


def draw(part: Part, measurements: Sequence[Measured], path: Path) -> None:
    """Write the picture of `measurements` to `path`, as PNG."""
    matplotlib.use("Agg")
    figure = Figure(figsize=(10, 4.6), layout="constrained", dpi=120)
    left, right = figure.subplots(1, 2, width_ratios=[5, 5])
    where = f"Everything runs on one machine with {core_count()} cores, the load generator too."
    figure.suptitle(f"{part.about}\n{where}", fontsize=11, x=0.01, ha="left")
    if part.has_sockets:
        _draw_latencies(left, measurements)
    else:
        _draw_rates(left, measurements)
    _number_axis(left, part, measurements)
    _draw_processors(right, part, measurements)
    for axes in (left, right):
        style_axes(axes)
    figure.savefig(path)


def _draw_rates(axes: Any, measurements: Sequence[Measured]) -> None:
    names = list(dict.fromkeys(item.size.series for item in measurements))
    for series, colour in zip(names, _SERIES, strict=False):
        points = [
            (item.size.number, item.rate) for item in measurements if item.size.series == series
        ]
        axes.plot(*zip(*points, strict=True), "o-", color=colour, label=series)
        for number, rate in points:
            _annotate(axes, format_number(rate), number, rate, colour)
    axes.set_ylim(0, 1.35 * max(item.rate for item in measurements) or 1)
    axes.set_ylabel("switches per second, as many as possible")
    if any(item.size.series for item in measurements):
        axes.legend(loc="upper left", frameon=False, fontsize=9)


def _draw_latencies(axes: Any, measurements: Sequence[Measured]) -> None:
    numbers = [item.size.number for item in measurements]
    deliveries = [item.delivery for item in measurements if item.delivery]
    _spread(axes, "request to message", numbers, deliveries, "o-")
    _spread(axes, "request to answer", numbers, [item.switch for item in measurements], "s:")
    for number, delivery in zip(numbers, deliveries, strict=True):
        _annotate(axes, format_number(delivery.p95_ms), number, delivery.p95_ms, COLOURS[95])
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda ms, _: format_number(ms))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.margins(y=0.15)
    axes.set_ylabel("ms")
    axes.legend(loc="upper left", ncols=2, frameon=False, fontsize=8)


def _spread(
    axes: Any, name: str, numbers: Sequence[int], sides: Sequence[Figures], style: str
) -> None:
    rows = {50: [s.p50_ms for s in sides], 95: [s.p95_ms for s in sides]}
    if style == "o-":
        rows[99] = [side.p99_ms for side in sides]
    for p, values in rows.items():
        axes.plot(numbers, values, style, color=COLOURS[p], label=f"{name}, p{p}", markersize=5)


def _annotate(axes: Any, text: str, x: float, y: float, colour: str) -> None:
    axes.annotate(
        text,
        (x, y),
        xytext=(-5, 5),
        textcoords="offset points",
        ha="right",
        fontsize=8,
        color=colour,
    )


def _number_axis(axes: Any, part: Part, measurements: Sequence[Measured]) -> None:
    numbers = sorted({item.size.number for item in measurements})
    axes.set_xscale("log")
    axes.set_xticks(numbers, [format_number(number) for number in numbers])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.margins(x=0.15)
    axes.set_xlabel(part.axis)


def _draw_processors(axes: Any, part: Part, measurements: Sequence[Measured]) -> None:
    """Draw stacked bars, whose height is the use of the whole machine."""
    places = range(len(measurements))
    heights = [0.0] * len(measurements)
    for role in ROLES:
        used = [sum(item.busy.get(role, ())) for item in measurements]
        if max(used) < _LEAST_SHOWN:
            continue
        axes.bar(places, used, 0.6, bottom=heights, color=_ROLES[role], label=_LABELS[role])
        heights = [below + more for below, more in zip(heights, used, strict=True)]
    full = 100 * core_count()
    axes.axhline(full, color="#1b2631", linestyle=(0, (4, 3)), linewidth=1)
    axes.annotate(
        f"all {core_count()} cores",
        xy=(0, full),
        xycoords=("axes fraction", "data"),
        xytext=(4, 3),
        textcoords="offset points",
        fontsize=8,
    )
    axes.set_ylim(0, 1.45 * full)
    labels = [
        f"{format_number(item.size.number)}\n{item.size.series}".strip() for item in measurements
    ]
    labels = [label.replace("cluster ", "cluster\n") for label in labels]
    axes.set_xticks(list(places), labels, fontsize=8 if len(measurements) > 3 else 10)
    axes.set_xlabel(part.axis)
    axes.set_ylabel("processor, % of one core")
    axes.legend(loc="upper left", ncols=2, frameon=False, fontsize=8)
