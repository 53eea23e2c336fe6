"""`python -m tests.load knee`: the highest rate that `sessions-1000` keeps up with.

Each rate is a run of its own, with new servers and sessions. The search ends with the first rate at
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
from tests.load.verdict import Figures, figures_of, judge

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
    "generator late p99": "generator late p99 ms",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One rate, requests a second, and its figures."""

    rate: float
    figures: Figures

    @property
    def holds(self) -> bool:
        """Whether the instance keeps up with the rate."""
        return all(one.passed for one in judge(self.figures, _LIMITS))


def main(arguments: list[str], console: Console) -> int:
    """Search the knee; returns the exit code, 1 where not even the first rate is kept up with."""
    options = _options(arguments)
    with console.status("") as status:
        steps = search(
            options.rates,
            lambda rate: _figures_at(rate, options.seconds, lambda said: status.update(said)),
        )
    console.print("Latencies of switches in ms; processor use in percent of one core.")
    console.print(table(steps))
    console.print(conclusion(steps))
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "figures.json").write_bytes(msgspec.json.encode(steps) + b"\n")
    return 0 if steps[0].holds else 1


def search(rates: Sequence[float], figures_at: Callable[[float], Figures]) -> list[Step]:
    """Measure the rates in order, up to the first that is too high; that is the last step."""
    steps: list[Step] = []
    for rate in rates:
        steps.append(Step(rate, figures_at(rate)))
        if not steps[-1].holds:
            break
    return steps


def conclusion(steps: Sequence[Step]) -> str:
    """One sentence with the knee."""
    held = [step.rate for step in steps if step.holds]
    if not held:
        return f"Not even {steps[0].rate:.0f} requests/s are within the limits."
    end = "" if len(held) < len(steps) else ", or more: no higher rate was tried"
    return (
        f"The knee is at {max(held):.0f} requests/s{end}"
        " (p95 of switches at most 50 ms, errors at most 0.1 %)."
    )


def table(steps: Sequence[Step]) -> Table:
    """One row for each rate, in Markdown."""
    found = Table(box=box.MARKDOWN)
    for column in ("requests/s", *_COLUMNS):
        found.add_column(column, justify="right", no_wrap=True)
    for step in steps:
        values = [step.figures.get(name, float("nan")) for name in _COLUMNS.values()]
        found.add_row(f"{step.rate:.0f}", *(f"{value:.3g}" for value in values))
    return found


def _figures_at(rate: float, seconds: float, tell: Callable[[str], None]) -> Figures:
    scenario = replace(
        SCENARIOS["sessions-1000"], rate=rate, duration_s=seconds, warm_up_s=seconds * _WARM_UP
    )
    return figures_of(run(scenario, lambda phase, _, __: tell(f"{rate:.0f} requests/s: {phase}")))


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make load SCENARIO=knee")
    parser.add_argument("--rates", type=float, nargs="+", default=_RATES, help="requests a second")
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="length of one run")
    parser.add_argument("--out", type=Path, metavar="FOLDER", default=Path(".build/load/knee"))
    return parser.parse_args(arguments)
