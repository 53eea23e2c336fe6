"""Printed report of a run; the tables are Markdown, for docs/performance.md."""

from rich import box
from rich.console import Console
from rich.table import Table

from tests.load.bench.figures import Figures
from tests.load.bench.runner import AUDITED_SUFFIX, Memory, Results

_TIMES = ("p50", "p95", "p99")


def print_report(results: Results, console: Console) -> None:
    """Print the tables, followed by the single figures."""
    console.print("Latencies in ms. A ratio is the service's speed divided by the baseline's.")
    console.print(
        "Baseline 1: the same Redis calls with redis-py; the target is a ratio of at least"
    )
    console.print("0.95 (read), 1.0 (create, switch) and 0.85 (the others).")
    console.print(
        "Baseline 2: the same Redis calls with the service's own connection; the target is"
    )
    console.print("a ratio of at least 0.7.")
    console.print(_comparisons(results))
    console.print("Latencies of the baselines:")
    console.print(_baselines(results))
    console.print(f"FastAPI route that returns a constant: {results.constant.rate:.0f} requests/s.")
    timeouts = results.flags
    console.print(
        f"From a deadline to its message on a WebSocket, two instances: {_percentiles(timeouts)}."
    )
    trail = results.trail
    console.print(
        f"Latency at 200 switches/s: {_percentiles(trail.audited)} with an audit trail,"
        f" {_percentiles(trail.unaudited)} without; lag of the trail {_percentiles(trail.lag)}."
    )
    deliveries = ", ".join(
        f"{transport} {_percentiles(one)}" for transport, one in results.pushes.delivered.items()
    )
    console.print(
        f"From a switch's request to its push, to three clients at once: {deliveries};"
        f" to its answer: {_percentiles(results.pushes.answered)}."
    )
    console.print(f"Memory of the service: {_memory(results.memory)}.")
    console.print(f"Memory with an audit trail: {_memory(results.memory_audited)}.")


def _comparisons(results: Results) -> Table:
    sides = ("service req/s", *_TIMES, "baseline 1 req/s", "ratio 1", "baseline 2 req/s", "ratio 2")
    table = markdown_table("scenario", *sides)
    for one in results.comparisons:
        table.add_row(
            one.scenario,
            *_cells(one.service),
            _rate(one.baseline),
            f"{one.ratio:.2f}",
            _rate(one.native_baseline),
            f"{one.own_ratio:.2f}",
        )
    return table


def _baselines(results: Results) -> Table:
    table = markdown_table("scenario", *(f"baseline {n} {time}" for n in (1, 2) for time in _TIMES))
    for one in results.comparisons:
        if not one.scenario.endswith(AUDITED_SUFFIX):  # it has the same baselines
            table.add_row(one.scenario, *_cells(one.baseline)[1:], *_cells(one.native_baseline)[1:])
    return table


def markdown_table(first: str, *columns: str) -> Table:
    """Return an empty table that prints as Markdown: a column of names, then figures."""
    table = Table(box=box.MARKDOWN)
    table.add_column(first, no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _memory(memory: Memory) -> str:
    return (
        f"{memory.at_rest_kib / 1024:.0f} MiB at rest,"
        f" {memory.after_load_kib / 1024:.0f} MiB after the load"
    )


def _percentiles(figures: Figures) -> str:
    return f"{figures.p50_ms:.1f} / {figures.p95_ms:.1f} / {figures.p99_ms:.1f} ms (p50/p95/p99)"


def _rate(side: Figures) -> str:
    return "" if side.rate is None else f"{side.rate:.0f}"


def _cells(side: Figures) -> list[str]:
    return [_rate(side), f"{side.p50_ms:.2f}", f"{side.p95_ms:.2f}", f"{side.p99_ms:.2f}"]
