"""`python -m tests.load SCENARIO`: run a load test and check its figures against limits.

The run starts its own instances, Redis and Postgres on free loopback ports, without limits on
callers and with the audit worker. One process sends each request when it is due, whether or not
earlier ones were answered (open model); latencies count from the due time. Other processes hold
the sockets. Latencies exclude the warm-up, which is part of the duration. Every response but 2xx
is an error; only a change that names a version (`high-frequency`) may be refused with 412.
Generator, sockets and servers share the machine; a run whose generator was late is invalid and
fails.

The run writes `figures.json` and `latency.png` to `.build/load/SCENARIO/` (or `--out`). It exits
with 0 if all limits were kept, otherwise with 1.

`scale-...`, `scaling` and `knee` run several loads each: see `tests/load/scaling/command.py` and
`tests/load/knee.py`. `at-rest` and `instructions` count: see `tests/load/at_rest.py` and
`tests/load/instructions.py`.
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
from tests.load import at_rest, instructions, knee
from tests.load.bench.errors import BenchError
from tests.load.failure import LoadFailed
from tests.load.generator import LoadProgress
from tests.load.report import report
from tests.load.run import Record, run
from tests.load.scaling import command as scaling
from tests.load.scaling.parts import PARTS
from tests.load.scenarios import SCENARIOS, Scenario

_OVERRIDES = {
    "duration_s": (float, "seconds of load, including the warm-up"),
    "warm_up_s": (float, "seconds at the start that latencies exclude"),
    "rate": (float, "requests per second"),
    "sessions": (int, "number of sessions"),
    "sockets": (int, "number of sockets"),
    "users": (int, "number of users (only for high-frequency)"),
    "instances": (int, "number of instances of the service"),
}

_TABLE_WIDTH = 150
_MEASUREMENTS: dict[str, Callable[[list[str], Console], int]] = {
    **dict.fromkeys((*PARTS, scaling.ALL_PARTS), scaling.main),
    knee.NAME: lambda arguments, console: knee.main(arguments[1:], console),
    at_rest.NAME: lambda arguments, console: at_rest.main(arguments[1:], console),
    instructions.NAME: lambda arguments, console: instructions.main(arguments[1:], console),
}
"""Commands that run several loads, with options of their own."""

_DESCRIPTIONS = (
    {name: one.about for name, one in SCENARIOS.items()}
    | {name: f"highest rate of switches: {one.about}" for name, one in PARTS.items()}
    | {
        "scale-sockets": f"delivery times: {PARTS['scale-sockets'].about}",
        scaling.ALL_PARTS: "all four scale-... measurements, one after the other",
        knee.NAME: "the highest rate of sessions-1000 that one instance keeps up with",
        at_rest.NAME: "the Redis commands of an instance that is not used",
        instructions.NAME: "the machine instructions of a read, a creation and a switch",
    }
)


def main(arguments: list[str] | None = None) -> int:
    """Run one scenario, or a measurement of several loads; return the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    console = Console(highlight=False)
    try:
        if measurement := _MEASUREMENTS.get(next(iter(arguments), "")):
            wide = Console(highlight=False, width=max(_TABLE_WIDTH, console.width))
            return measurement(arguments, wide)
        scenario, folder = _options(arguments)
        return report(_run_with_progress(scenario, console), folder, console)
    except (LoadFailed, BenchError, ServiceStartError, PostgresError) as failure:
        console.print(str(failure), soft_wrap=True, markup=False)
        return 1
    except KeyboardInterrupt:
        return 130


def _options(arguments: list[str]) -> tuple[Scenario, Path]:
    parser = argparse.ArgumentParser(
        prog="make load",
        description="Put load on the service and check the figures against limits.",
        epilog="\n".join(f"{name:<18} {about}" for name, about in _DESCRIPTIONS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "scenario", choices=SCENARIOS, metavar="SCENARIO", help=", ".join(SCENARIOS)
    )
    for name, (kind, meaning) in _OVERRIDES.items():
        option = f"--{name.removesuffix('_s').replace('_', '-')}"
        parser.add_argument(option, dest=name, type=_positive(kind), help=meaning)
    parser.add_argument(
        "--scale",
        type=_positive(float),
        default=1,
        help="factor for sessions, sockets, users, rate, duration and warm-up",
    )
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


def _run_with_progress(scenario: Scenario, console: Console) -> Record:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=1.0)

        def report_progress(phase: str, share: float, progress: LoadProgress | None) -> None:
            text = f"{phase}: {_progress_text(progress)}" if progress else phase
            bar.update(task, completed=min(1.0, share), description=text)

        return run(scenario, report_progress)


def _progress_text(progress: LoadProgress) -> str:
    return (
        f"{progress.sent} answered, {progress.errors} errors, {progress.waiting} waiting,"
        f" recent p95 {progress.p95_ms:.1f} ms"
    )


if __name__ == "__main__":
    sys.exit(main())
