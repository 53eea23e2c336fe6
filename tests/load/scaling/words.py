"""What a part's figures say: tables in Markdown, and sentences on what bounds them."""

import os
from collections.abc import Sequence

from rich.table import Table

from tests.load.bench.report import markdown_table
from tests.load.scaling.measure import Measured
from tests.load.scaling.parts import Part
from tests.load.usage import Role

ROLES: tuple[Role, ...] = ("service", "Redis", "Postgres", "generator", "other programs")
_OTHERS = 10.0
"""Percent of one core; if other programs use more, the figures are too low."""

_LATE_MS = 25.0
"""p99; a generator that sends later than this didn't keep its rate."""

_FULL = 0.9
"""Of the machine's cores, or of one core: from here on it counts as full."""


def cores() -> int:
    """The processor cores that this process and those that it starts may use."""
    return len(os.sched_getaffinity(0))


def name_of(measured: Measured) -> str:
    """The size in words."""
    size = measured.size
    number = spaced(size.number)
    return f"{number} ({size.series})" if size.series else number


def spaced(number: float) -> str:
    """The number with three digits at least, and a space before each three: `10 000`, `43.6`."""
    if number >= 100 or number == int(number):
        return f"{number:,.0f}".replace(",", " ")
    return f"{number:.3g}"


def speeds(part: Part, found: Sequence[Measured]) -> Table:
    """Rates and latencies, one row for each size."""
    columns = ["switches/s", "answer p50 ms", "p95", "p99"]
    if part.has_sockets:
        columns += ["delivery p50 ms", "p95", "p99"]
    table = markdown_table(part.axis, *columns, "errors")
    for one in found:
        sides = [one.switch, one.delivery] if one.delivery else [one.switch]
        times = [ms for side in sides for ms in (side.p50_ms, side.p95_ms, side.p99_ms)]
        row = [spaced(one.rate), *(f"{ms:.1f}" for ms in times), str(one.errors)]
        table.add_row(name_of(one), *row)
    return table


def processors(part: Part, found: Sequence[Measured]) -> Table:
    """Use of the processor by role in percent of one core, and its time for one switch.

    `one instance` and `one Redis` are the busiest of theirs.
    """
    columns = ["service", "Redis", "Postgres", "generator", "others", "all"]
    columns += ["one instance", "one Redis", "service us", "Redis us"]
    table = markdown_table(part.axis, *columns)
    for one in found:
        sums = [sum(one.busy.get(role, ())) for role in ROLES]
        busiest = [max(one.busy.get(role, ()), default=0.0) for role in ROLES[:2]]
        costs = [one.cost_us(role) for role in ROLES[:2]]
        row = [f"{value:.0f}" for value in (*sums, sum(sums), *busiest, *costs)]
        table.add_row(name_of(one), *row)
    return table


def bounds(part: Part, found: Sequence[Measured]) -> list[str]:
    """For each size one sentence on what bounds it."""
    return [f"{part.axis}, {name_of(one)}: {_bound(one)}" for one in found]


def _bound(one: Measured) -> str:
    total = sum(sum(each) for each in one.busy.values())
    instance = max(one.busy.get("service", ()), default=0.0)
    redis = max(one.busy.get("Redis", ()), default=0.0)
    others = sum(one.busy.get("other programs", ()))
    if one.late_ms > _LATE_MS:
        said = f"the generator was late (p99 {one.late_ms:.0f} ms): the figures are worth nothing."
    elif others > _OTHERS:
        said = f"other programs used {others:.0f} % of a core: measure on a quiet machine."
    elif one.size.rate:
        said = f"the rate was given; {total:.0f} % of {cores()} cores were in use."
    elif total >= 100 * cores() * _FULL:
        said = f"all {cores()} cores of the machine were full ({total:.0f} %)."
    elif instance >= 100 * _FULL:
        said = f"the event loop of one instance filled its core ({instance:.0f} %)."
    elif redis >= 100 * _FULL:
        said = f"one Redis filled its core ({redis:.0f} %)."
    else:
        said = f"waiting, not the processor: {total:.0f} % of {cores()} cores were in use."
    return f"{said} {_alone(one)}"


def _alone(one: Measured) -> str:
    """What each part could do with a core of its own, by the processor time that it took."""
    service, redis = one.cost_us("service"), one.cost_us("Redis")
    if one.size.sockets:
        push_us = service / one.size.sockets
        return (
            f"A switch and its pushes took {service:.0f} us of the instance's processor,"
            f" {push_us:.0f} us for each socket."
        )
    busiest = max(one.busy.get("Redis", ()), default=0.0)
    if not (service and redis and busiest):
        return "The time was too short for figures by process."
    share = busiest / sum(one.busy["Redis"])
    return (
        f"With cores of their own an instance could do {1e6 / service:.0f} switches/s"
        f" and the Redis {1e6 / (redis * share):.0f}."
    )
