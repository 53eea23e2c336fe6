"""`make bench`: run the benchmark and print it; exit code 1 if a request failed."""

import argparse
import sys
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from infra.local.instance import ServiceStartError
from infra.wide_console import wide_console
from tests.load.bench import report, runner
from tests.load.bench.errors import BenchError
from tests.load.bench.runner import Results
from tests.load.bench.targets import start_targets
from tests.load.bench.wrk import require_wrk

_MIN_WIDTH = 150
"""Characters. Wide enough for the tables when the output is not a terminal."""


def main() -> int:
    """Run the benchmark and return the exit code."""
    options = _options()
    console = Console(highlight=False)
    try:
        results = _measure(options, console)
    except (BenchError, ServiceStartError) as failure:
        console.print(str(failure), soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        return 130
    report.print_report(results, wide_console(_MIN_WIDTH))
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(results)) + b"\n")
    if results.errors:
        console.print(f"{results.errors} requests failed: ignore these figures.")
        return 1
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description="Benchmark the service.")
    parser.add_argument(
        "--rounds", type=int, default=3, help="repetitions; the figures are their medians"
    )
    parser.add_argument("--seconds", type=int, default=3, help="length of one load, s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to FILE")
    return parser.parse_args()


def _measure(options: argparse.Namespace, console: Console) -> Results:
    require_wrk()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with (
        start_targets() as targets,
        Progress(*columns, console=console, transient=True) as progress,
    ):
        task = progress.add_task("", total=runner.progress_steps(options.rounds))
        started = -1

        def report_progress(what: str) -> None:
            nonlocal started
            started += 1
            progress.update(task, completed=started, description=what)

        return runner.run_benchmark(targets, options.rounds, options.seconds, report_progress)


if __name__ == "__main__":
    sys.exit(main())
