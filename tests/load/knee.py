"""`python -m tests.load knee`: find the highest rate of `sessions-1000` that an instance sustains.

Each rate is a separate run with new servers and sessions. The search ends with the first rate at
which the p95 of switches exceeds 50 ms, or more than 0.1 % of the requests fail.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table

from tests.load.run import run
from tests.load.scenarios import SCENARIOS, Limit
from tests.load.verdict import Figures, check_limits, figures_of

NAME = "knee"
_RATES = (600.0, 900.0, 1200.0, 1500.0, 1800.0, 2100.0, 2400.0)
_SECONDS = 20.0
_WARM_UP = 0.25
"""Share of a run."""

_LIMITS = (Limit("switch p95 ms", 50), Limit("errors %", 0.1))
_COLUMNS = {
    "p50": "switch p50 ms",
    "p95": "switch p95 ms",
    "p99": "switch p99 ms",
    "errors %": "errors %",
    "service %": "instance 1: CPU %",
    "Redis %": "Redis: CPU %",
    "Postgres %": "Postgres: CPU %",
    "generator %": "generator: CPU %",
    "generator lateness p99": "generator lateness p99 ms",
}


@dataclass(frozen=True, slots=True)
class Step:
    """A rate in requests per second, and its figures."""

    rate: float
    figures: Figures

    @property
    def is_within_limits(self) -> bool:
        """Whether the instance keeps up with the rate."""
        return all(one.passed for one in check_limits(self.figures, _LIMITS))


def main(arguments: list[str], console: Console) -> int:
    """Find the knee; return the exit code, 1 if even the first rate is too high."""
    options = _options(arguments)
    with console.status("") as status:
        steps = search(
            options.rates,
            lambda rate: _figures_at(rate, options.seconds, lambda phase: status.update(phase)),
        )
    console.print("Latencies of switches in ms; processor use in percent of one core.")
    console.print(table(steps))
    console.print(conclusion(steps))
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "figures.json").write_bytes(msgspec.json.encode(steps) + b"\n")
    return 0 if steps[0].is_within_limits else 1


def search(rates: Sequence[float], figures_at: Callable[[float], Figures]) -> list[Step]:
    """Measure the rates in order, up to and including the first that is too high."""
    steps: list[Step] = []
    for rate in rates:
        steps.append(Step(rate, figures_at(rate)))
        if not steps[-1].is_within_limits:
            break
    return steps


def conclusion(steps: Sequence[Step]) -> str:
    """Return a sentence that names the knee."""
    passed = [step.rate for step in steps if step.is_within_limits]
    if not passed:
        return f"Not even {steps[0].rate:.0f} requests/s are within the limits."
    end = "" if len(passed) < len(steps) else ", or more: no higher rate was tried"
    return (
        f"The knee is at {max(passed):.0f} requests/s{end}"
        " (p95 of switches at most 50 ms, errors at most 0.1 %)."
    )


def table(steps: Sequence[Step]) -> Table:
    """Return a Markdown table with one row per rate."""
    found = Table(box=box.MARKDOWN)
    for column in ("requests/s", *_COLUMNS):
        found.add_column(column, justify="right", no_wrap=True)
    for step in steps:
        values = [step.figures.get(name, float("nan")) for name in _COLUMNS.values()]
        found.add_row(f"{step.rate:.0f}", *(f"{value:.3g}" for value in values))
    return found


def _figures_at(rate: float, seconds: float, report_phase: Callable[[str], None]) -> Figures:
    scenario = replace(
        SCENARIOS["sessions-1000"], rate=rate, duration_s=seconds, warm_up_s=seconds * _WARM_UP
    )
    return figures_of(
        run(scenario, lambda phase, _, __: report_phase(f"{rate:.0f} requests/s: {phase}"))
    )


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make load SCENARIO=knee")
    parser.add_argument(
        "--rates", type=float, nargs="+", default=_RATES, help="requests per second"
    )
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="length of one run")
    parser.add_argument("--out", type=Path, metavar="FOLDER", default=Path(".build/load/knee"))
    return parser.parse_args(arguments)
