"""Markdown tables of a part's figures, and sentences about its bottlenecks."""

import os
from collections.abc import Sequence

from rich.table import Table

from tests.load.bench.report import markdown_table
from tests.load.scaling.measure import Measured
from tests.load.scaling.parts import Part
from tests.load.usage import Role

ROLES: tuple[Role, ...] = ("service", "Redis", "Postgres", "generator", "other programs")
_OTHERS = 10.0
"""Percent of one core; if other programs use more, measured rates are too low."""

_LATE_MS = 25.0
"""Limit of the generator's p99 lateness; beyond it the rate was not kept."""

_FULL = 0.9
"""Share of all cores, or of one core, from which it counts as full."""


def core_count() -> int:
    """Return the number of processor cores that this process and its children may use."""
    return len(os.sched_getaffinity(0))


def size_label(measured: Measured) -> str:
    """Return the label of a size."""
    size = measured.size
    number = format_number(size.number)
    return f"{number} ({size.series})" if size.series else number


def format_number(number: float) -> str:
    """Format with at least three significant digits and a space per thousand: `10 000`, `43.6`."""
    if number >= 100 or number == int(number):
        return f"{number:,.0f}".replace(",", " ")
    return f"{number:.3g}"


def speed_table(part: Part, measurements: Sequence[Measured]) -> Table:
    """Return the table of rates and latencies, one row per size."""
    columns = ["switches/s", "answer p50 ms", "p95", "p99"]
    if part.has_sockets:
        columns += ["delivery p50 ms", "p95", "p99"]
    table = markdown_table(part.axis, *columns, "errors")
    for item in measurements:
        sides = [item.switch, item.delivery] if item.delivery else [item.switch]
        times = [ms for side in sides for ms in (side.p50_ms, side.p95_ms, side.p99_ms)]
        row = [format_number(item.rate), *(f"{ms:.1f}" for ms in times), str(item.errors)]
        table.add_row(size_label(item), *row)
    return table


def processor_table(part: Part, measurements: Sequence[Measured]) -> Table:
    """Return the table of processor use by role in percent of one core, and time per switch.

    `one instance` and `one Redis` are the busiest ones.
    """
    columns = ["service", "Redis", "Postgres", "generator", "others", "all"]
    columns += ["one instance", "one Redis", "service us", "Redis us"]
    table = markdown_table(part.axis, *columns)
    for item in measurements:
        sums = [sum(item.busy.get(role, ())) for role in ROLES]
        busiest = [max(item.busy.get(role, ()), default=0.0) for role in ROLES[:2]]
        costs = [item.cost_us(role) for role in ROLES[:2]]
        row = [f"{value:.0f}" for value in (*sums, sum(sums), *busiest, *costs)]
        table.add_row(size_label(item), *row)
    return table


def bottlenecks(part: Part, measurements: Sequence[Measured]) -> list[str]:
    """Return a sentence about the bottleneck of each size."""
    return [f"{part.axis}, {size_label(item)}: {_bottleneck(item)}" for item in measurements]


def _bottleneck(item: Measured) -> str:
    total = sum(sum(each) for each in item.busy.values())
    instance = max(item.busy.get("service", ()), default=0.0)
    redis = max(item.busy.get("Redis", ()), default=0.0)
    others = sum(item.busy.get("other programs", ()))
    if item.late_ms > _LATE_MS:
        text = f"the generator was late (p99 {item.late_ms:.0f} ms): the figures are invalid."
    elif others > _OTHERS:
        text = f"other programs used {others:.0f} % of a core: measure on a quiet machine."
    elif item.size.rate:
        text = f"the rate was fixed; {total:.0f} % of {core_count()} cores were in use."
    elif total >= 100 * core_count() * _FULL:
        text = f"all {core_count()} cores of the machine were full ({total:.0f} %)."
    elif instance >= 100 * _FULL:
        text = f"the event loop of one instance filled its core ({instance:.0f} %)."
    elif redis >= 100 * _FULL:
        text = f"one Redis filled its core ({redis:.0f} %)."
    else:
        text = (
            f"the processor was not the limit: {total:.0f} % of {core_count()} cores were in use."
        )
    return f"{text} {_with_own_cores(item)}"


def _with_own_cores(item: Measured) -> str:
    """Estimate the rates of an instance and a Redis with a core each, by their processor time."""
    service, redis = item.cost_us("service"), item.cost_us("Redis")
    if item.size.sockets:
        push_us = service / item.size.sockets
        return (
            f"A switch and its pushes took {service:.0f} us of the instance's processor,"
            f" {push_us:.0f} us for each socket."
        )
    busiest = max(item.busy.get("Redis", ()), default=0.0)
    if not (service and redis and busiest):
        return "The run was too short for figures by process."
    share = busiest / sum(item.busy["Redis"])
    return (
        f"With a core each, an instance could do {1e6 / service:.0f} switches/s"
        f" and Redis {1e6 / (redis * share):.0f}."
    )
