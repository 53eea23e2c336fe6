"""`python -m tests.load SCENARIO`: load on instances of its own, and limits that it must keep.

Everything is started here, on free loopback ports: the instances, a Redis and a Postgres of their
own, with limits on callers lifted and the audit worker on. One process sends the requests, each at
its time whether or not others were answered (an open model); a latency runs from the instant at
which the request was due. Sockets are in processes of their own. The warm-up is part of the
duration and of no figure. Whatever isn't answered with 2xx is an error; only a change that named a
version (`high-frequency`) may be refused with 412. Generator, sockets and servers share the
machine: a run in which the generator was late is invalid, and fails.

Into `.build/load/SCENARIO/` (or `--out`): `figures.json` and `latency.png`. Exits with 0 if every
limit was kept, otherwise with 1.

`scale-...`, `scaling` and `knee` run several loads each: see `tests/load/scaling/command.py` and
`tests/load/knee.py`.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from infra.local.instance import ServiceStartError
from infra.local.postgres import PostgresError
from tests.load import knee
from tests.load.bench.errors import BenchError
from tests.load.failure import LoadFailed
from tests.load.generator import News
from tests.load.report import report
from tests.load.run import Record, run
from tests.load.scaling import command as scaling
from tests.load.scaling.parts import PARTS
from tests.load.scenarios import SCENARIOS, Scenario

_OVERRIDES = {
    "duration_s": (float, "seconds of load, warm-up included"),
    "warm_up_s": (float, "seconds of it that count for nothing"),
    "rate": (float, "requests a second"),
    "sessions": (int, "sessions"),
    "sockets": (int, "sockets"),
    "users": (int, "users, where nobody keeps a rate"),
    "instances": (int, "instances of the service"),
}

_WIDEST_TABLE = 150
_MEASUREMENTS: dict[str, Callable[[list[str], Console], int]] = {
    **dict.fromkeys((*PARTS, scaling.ALL_PARTS), scaling.main),
    knee.NAME: lambda arguments, console: knee.main(arguments[1:], console),
}
"""Run several loads each; options: `--seconds`, `--out`."""

_ABOUT = (
    {name: one.about for name, one in SCENARIOS.items()}
    | {name: f"the most switches a second: {one.about}" for name, one in PARTS.items()}
    | {
        "scale-sockets": f"delivery: {PARTS['scale-sockets'].about}",
        scaling.ALL_PARTS: "the four of them, one after the other",
        knee.NAME: "the highest rate that sessions-1000 keeps up with",
    }
)


def main(arguments: list[str] | None = None) -> int:
    """Run one scenario, or a measurement of several loads; returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    console = Console(highlight=False)
    try:
        if measurement := _MEASUREMENTS.get(next(iter(arguments), "")):
            wide = Console(highlight=False, width=max(_WIDEST_TABLE, console.width))
            return measurement(arguments, wide)
        scenario, folder = _options(arguments)
        return report(_shown(scenario, console), folder, console)
    except (LoadFailed, BenchError, ServiceStartError, PostgresError) as failure:
        console.print(str(failure), soft_wrap=True, markup=False)
        return 1
    except KeyboardInterrupt:
        return 130


def _options(arguments: list[str]) -> tuple[Scenario, Path]:
    parser = argparse.ArgumentParser(
        prog="make load",
        description="Puts load on the service and judges the figures.",
        epilog="\n".join(f"{name:<18} {about}" for name, about in _ABOUT.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "scenario", choices=SCENARIOS, metavar="SCENARIO", help=", ".join(SCENARIOS)
    )
    for name, (kind, meaning) in _OVERRIDES.items():
        option = f"--{name.removesuffix('_s').replace('_', '-')}"
        parser.add_argument(option, dest=name, type=_positive(kind), help=meaning)
    parser.add_argument("--scale", type=_positive(float), default=1, help="so many times as much")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="default: .build/load/SCENARIO")
    given = vars(parser.parse_args(arguments))
    scenario = SCENARIOS[given["scenario"]]
    if given["scale"] != 1:
        scenario = scenario.scaled(given["scale"])
    changed = {name: given[name] for name in _OVERRIDES if given[name] is not None}
    scenario = replace(scenario, **changed)
    if scenario.warm_up_s >= scenario.duration_s:
        parser.error(f"--duration must exceed the warm-up of {scenario.warm_up_s:g} s")
    return scenario, given["out"] or Path(".build/load") / scenario.name


def _positive(kind: type[int] | type[float]) -> type:
    def parse(text: str) -> float:
        value = kind(text)
        if value <= 0:
            raise argparse.ArgumentTypeError("must be greater than zero")
        return value

    return parse  # type: ignore[return-value] # a function does


def _shown(scenario: Scenario, console: Console) -> Record:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=1.0)

        def tell(phase: str, share: float, news: News | None) -> None:
            words = f"{phase}: {_brief(news)}" if news else phase
            progress.update(task, completed=min(1.0, share), description=words)

        return run(scenario, tell)


def _brief(news: News) -> str:
    return (
        f"{news.sent} answered, {news.errors} errors, {news.waiting} waiting,"
        f" p95 of late {news.p95_ms:.1f} ms"
    )


if __name__ == "__main__":
    sys.exit(main())
