"""Draws a run: latency and throughput over time, and memory for runs longer than 5 minutes."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from tests.load.bench.figures import percentile
from tests.load.deliveries import delivery_latencies
from tests.load.run import Record
from tests.load.scenarios import Limit

COLOURS = {50: "#7fb3d5", 95: "#2874a6", 99: "#1b2631"}
"""Colours of percentiles."""

_KINDS = {
    "switch": "#2874a6",
    "finish": "#2874a6",
    "read": "#58d68d",
    "summary": "#f5b041",
    "create": "#af7ac5",
    "start": "#d2b4de",
    "complete": "#7d3c98",
}
_ERROR = "#e74c3c"
_LONG_S = 300.0

Points = Sequence[tuple[float, float]]


def draw(record: Record, path: Path) -> None:
    """Write the picture to `path`, as PNG."""
    matplotlib.use("Agg")
    is_long = record.scenario.duration_s > _LONG_S
    series, bin_s = _series(record), 10.0 if is_long else 1.0
    heights = [3] * len(series) + [2] * (1 + is_long)
    figure = Figure(figsize=(10, 1 + sum(heights) * 0.85), layout="constrained", dpi=120)
    axes = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
    title = f"{record.scenario.name}: {record.scenario.about}"
    figure.suptitle(title, fontsize=12, x=0.01, ha="left")
    for place, (name, points) in zip(axes, series.items(), strict=False):
        _latency(place, name, _binned(points, bin_s), bin_s, record.scenario.limits)
    _throughput(axes[len(series)], record, bin_s)
    if is_long:
        _memory(axes[-1], record)
    for place in axes:
        _over_time(place, record)
    axes[-1].set_xlabel("seconds")
    figure.savefig(path)


def _series(record: Record) -> dict[str, Points]:
    kind = "finish" if record.scenario.pattern == "finishes" else "switch"
    answered: Points = [
        (s.at_s, s.ms) for s in record.results.samples if s.kind == kind and s.status
    ]
    pushed: Points = list(delivery_latencies(record))
    return {kind: answered} | ({"delivery": pushed} if pushed else {})


def _latency(
    axes: Any, name: str, bins: dict[int, list[float]], bin_s: float, limits: Sequence[Limit]
) -> None:
    at_s = [bin_s * (number + 0.5) for number in bins]
    for p, colour in COLOURS.items():
        values = [percentile(ms, p) for ms in bins.values()]
        axes.plot(at_s, values, color=colour, linewidth=1.4, label=f"p{p}")
        for limit in limits:
            if limit.figure == f"{name} p{p} ms":
                _line(axes, p, limit.most)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_ylabel(f"{name}, ms")
    lowest, highest = axes.get_ylim()
    axes.set_ylim(10 ** math.floor(math.log10(lowest)), 10 ** math.ceil(math.log10(highest * 1.5)))
    _legend(axes, 3)


def _line(axes: Any, p: int, most: float) -> None:
    axes.axhline(most, color=COLOURS[p], linestyle=(0, (4, 3)), linewidth=1)
    axes.annotate(
        f"p{p} at most {most:g} ms",
        xy=(1, most),
        xycoords=("axes fraction", "data"),
        xytext=(-4, 3),
        textcoords="offset points",
        ha="right",
        color=COLOURS[p],
        fontsize=8,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.8},
    )


def _throughput(axes: Any, record: Record, bin_s: float) -> None:
    counts: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for sample in record.results.samples:
        is_fine = 200 <= sample.status < 300
        counts[sample.kind if is_fine else "error"][int(sample.at_s / bin_s)] += 1
    last = max(1, int(record.scenario.duration_s / bin_s))
    edges = [bin_s * number for number in range(last + 1)]
    kinds = [kind for kind in (*_KINDS, "error") if kind in counts]
    rows = [[counts[k][min(n, last - 1)] / bin_s for n in range(last + 1)] for k in kinds]
    colours = [_KINDS.get(kind, _ERROR) for kind in kinds]
    axes.stackplot(edges, *rows, labels=kinds, colors=colours, alpha=0.85, step="post")
    axes.set_ylim(0, 1.35 * max((sum(column) for column in zip(*rows, strict=True)), default=1))
    axes.set_ylabel("requests a second")
    _legend(axes, len(kinds))


def _memory(axes: Any, record: Record) -> None:
    at_s = [observation.at_s - record.results.began_s for observation in record.observations]
    for number, memory in enumerate(
        zip(*(observation.memory_mb for observation in record.observations), strict=True)
    ):
        axes.plot(at_s, memory, linewidth=1.4, label=f"instance {number + 1}")
    axes.set_ylim(0, 1.35 * max(max(observation.memory_mb) for observation in record.observations))
    axes.set_ylabel("memory, MB")
    _legend(axes, len(record.observations[0].memory_mb))


def _legend(axes: Any, columns: int) -> None:
    axes.legend(loc="upper left", ncols=columns, frameon=False, fontsize=9)


def _over_time(axes: Any, record: Record) -> None:
    axes.set_xlim(0, record.scenario.duration_s)
    style_axes(axes)
    if record.scenario.warm_up_s:
        axes.axvspan(0, record.scenario.warm_up_s, color="#f2f3f4", zorder=0)


def style_axes(axes: Any) -> None:
    """Apply the common style to `axes`."""
    axes.grid(visible=True, which="major", color="#e5e8e8", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _binned(points: Iterable[tuple[float, float]], bin_s: float) -> dict[int, list[float]]:
    """Group latencies by bin number, sorted."""
    bins: dict[int, list[float]] = defaultdict(list)
    for at_s, ms in points:
        bins[int(at_s / bin_s)].append(ms)
    return {number: sorted(bins[number]) for number in sorted(bins)}
