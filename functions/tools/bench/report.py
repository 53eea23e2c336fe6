"""A run's figures for people; the tables are Markdown, for docs/performance.md."""

from rich import box
from rich.console import Console
from rich.table import Table

from functions.tools.bench.course import AUDITED, Memory, Results
from functions.tools.bench.figures import Figures

_TIMES = ("p50", "p95", "p99")


def show(results: Results, console: Console) -> None:
    """Print the tables, and the single figures below them."""
    console.print("Latencies in ms. A ratio is the share of the floor's speed that is reached.")
    console.print("Floor 1: the same Redis calls with redis-py; at least 0.95 (read), 1.0 (create,")
    console.print(
        "switch) and 0.85 (the others) of it are wanted. Floor 2: the same Redis calls with"
    )
    console.print("the service's own connection; at least 0.7 of it is wanted.")
    console.print(_comparisons(results))
    console.print("The floors' latencies:")
    console.print(_floors(results))
    console.print(
        f"A FastAPI route that returns a constant: {results.constant.rate:.0f} requests/s."
    )
    flags = results.flags
    console.print(
        f"A timeout reaches a subscriber {_brief(flags)} after its deadline;"
        " two instances watch the deadlines."
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
    console.print(f"Memory of the service: {_memory(results.memory)}.")
    console.print(f"Memory of the service with its audit trail: {_memory(results.memory_audited)}.")


def _comparisons(results: Results) -> Table:
    sides = ("service req/s", *_TIMES, "floor 1 req/s", "ratio 1", "floor 2 req/s", "ratio 2")
    table = markdown_table("scenario", *sides)
    for one in results.comparisons:
        table.add_row(
            one.scenario,
            *_cells(one.service),
            _rate(one.floor),
            f"{one.ratio:.2f}",
            _rate(one.own_floor),
            f"{one.own_ratio:.2f}",
        )
    return table


def _floors(results: Results) -> Table:
    table = markdown_table("scenario", *(f"floor {n} {time}" for n in (1, 2) for time in _TIMES))
    for one in results.comparisons:
        if not one.scenario.endswith(AUDITED):  # that has the same floors
            table.add_row(one.scenario, *_cells(one.floor)[1:], *_cells(one.own_floor)[1:])
    return table


def markdown_table(first: str, *columns: str) -> Table:
    """An empty table that prints as Markdown: names in the first column, figures behind it."""
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


def _brief(figures: Figures) -> str:
    return f"{figures.p50_ms:.1f} / {figures.p95_ms:.1f} / {figures.p99_ms:.1f} ms (p50/p95/p99)"


def _rate(side: Figures) -> str:
    return "" if side.rate is None else f"{side.rate:.0f}"


def _cells(side: Figures) -> list[str]:
    return [_rate(side), f"{side.p50_ms:.2f}", f"{side.p95_ms:.2f}", f"{side.p99_ms:.2f}"]
