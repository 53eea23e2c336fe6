"""A run's figures for people."""

from rich.console import Console
from rich.table import Table

from functions.tools.bench.course import Results
from functions.tools.bench.figures import Figures


def show(results: Results, console: Console) -> None:
    """Print the table, and the memory below it."""
    table = Table(title="SyncKairos and the floor it stands on (latencies in ms)")
    table.add_column("scenario", no_wrap=True)
    for side in ("service", "floor"):
        for column in (f"{side}\nreq/s", "\np50", "\np95", "\np99"):
            table.add_column(column, justify="right", no_wrap=True)
    table.add_column("ratio", justify="right")
    for one in results.comparisons:
        table.add_row(one.scenario, *_cells(one.service), *_cells(one.floor), f"{one.ratio:.2f}")
    table.add_section()
    table.add_row("constant FastAPI route", "", "", "", "", *_cells(results.constant))
    console.print(table)
    flags = results.flags
    console.print(
        f"A flag that falls by itself reaches a subscriber {flags.p50_ms:.1f} ms (p50),"
        f" {flags.p95_ms:.1f} ms (p95), {flags.p99_ms:.1f} ms (p99) after its deadline;"
        " two instances watched."
    )
    trail = results.trail
    console.print(
        f"At 200 switches a second: answered in {_brief(trail.audited)} with an audit trail,"
        f" {_brief(trail.unaudited)} without; the trail is {_brief(trail.lag)} behind."
    )
    ways = ", ".join(f"{way} {_brief(one)}" for way, one in results.pushes.delivered.items())
    console.print(
        f"From a switch's request to its push, three clients at once: {ways};"
        f" to its answer {_brief(results.pushes.answered)}."
    )
    console.print(
        f"Memory of the service: {results.memory_at_rest_kib / 1024:.0f} MiB at rest,"
        f" {results.memory_after_load_kib / 1024:.0f} MiB after the load."
    )


def _brief(figures: Figures) -> str:
    return f"{figures.p50_ms:.1f} / {figures.p95_ms:.1f} / {figures.p99_ms:.1f} ms (p50/p95/p99)"


def _cells(side: Figures) -> list[str]:
    rate = "" if side.rate is None else f"{side.rate:.0f}"
    return [rate, f"{side.p50_ms:.2f}", f"{side.p95_ms:.2f}", f"{side.p99_ms:.2f}"]
