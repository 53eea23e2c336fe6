"""Measure cold starts: a process that imports a packaged function's handler and exits.

`python -m infra.packaging.cold_starts` prints the table for docs/performance.md.
"""

import os
import sys
import tempfile
import time
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median

from infra.packaging.local_build import LocalBuild, build_locally
from infra.packaging.manifest import Function
from infra.packaging.packaging_errors import PackagingFailed

HOT_FUNCTIONS = frozenset({"switch", "read", "summary", "time", "start", "pause", "resume"})
"""Functions that users wait for in a running session."""

_HOT_BUDGET = 1.0
_BUDGET = 1.1
_FASTAPI_BUDGET = 1.5
_BASELINE = "import fastapi, mangum"
_FASTAPI_FUNCTION = "docs"
"""The only function that needs FastAPI, which generates the OpenAPI document."""


@dataclass(frozen=True, slots=True)
class StartTime:
    """Wall-clock and CPU time of a start in ms.

    The budgets apply to CPU time. A start only computes, so on an idle machine both are the same;
    on a busy one wall-clock time depends on the other load.
    """

    wall_ms: float
    cpu_ms: float

    @classmethod
    def median(cls, starts: Collection["StartTime"]) -> "StartTime":
        """Return the median wall-clock and the median CPU time."""
        return cls(median(s.wall_ms for s in starts), median(s.cpu_ms for s in starts))


@dataclass(frozen=True, slots=True)
class ColdStart:
    """A function's start time and the baseline: the bare imports of FastAPI and Mangum."""

    function: Function
    time: StartTime
    baseline: StartTime

    @property
    def ratio(self) -> float:
        """CPU time relative to the baseline."""
        return self.time.cpu_ms / self.baseline.cpu_ms

    @property
    def most(self) -> float:
        """The budget of the ratio."""
        if self.function.name == _FASTAPI_FUNCTION:
            return _FASTAPI_BUDGET
        return _HOT_BUDGET if self.function.name in HOT_FUNCTIONS else _BUDGET


def measure(
    built: LocalBuild, functions: Iterable[Function], *, rounds: int = 10, at_once: int = 1
) -> list[ColdStart]:
    """Return the median of `rounds` starts of each function, `at_once` of them in parallel.

    The functions and the baseline start in turn, so that other load of this machine affects all of
    them equally. Raises `PackagingFailed` if one can't start.
    """
    times: dict[Function | None, list[StartTime]] = {f: [] for f in (None, *functions)}
    order = [function for _ in range(rounds) for function in times]
    with ThreadPoolExecutor(at_once) as executor:
        results = executor.map(lambda function: _start(built, function), order)
        for function, start_time in zip(order, results, strict=True):
            times[function].append(start_time)
    baseline = StartTime.median(times.pop(None))
    return [ColdStart(f, StartTime.median(taken), baseline) for f, taken in times.items() if f]


def table(starts: Iterable[ColdStart]) -> str:
    """Return the results as a Markdown table, the slowest last."""
    starts = sorted(starts, key=lambda start: start.ratio)
    rows = [_row(s.function.name, s.time, f"{s.ratio:.2f} | {s.most:.1f}") for s in starts]
    baseline = _row("*FastAPI and Mangum alone*", starts[0].baseline, "1.00 | ")
    head = "| function | ms | ms of CPU | ratio | at most |"
    return "\n".join([head, "|---|---|---|---|---|", baseline, *rows])


def _row(name: str, start_time: StartTime, ratio: str) -> str:
    return f"| {name} | {start_time.wall_ms:.0f} | {start_time.cpu_ms:.0f} | {ratio} |"


def _start(built: LocalBuild, function: Function | None) -> StartTime:
    code = f"from {function.module} import handler" if function else _BASELINE
    folder_of = function or next(f for f in built.functions if f.name == _FASTAPI_FUNCTION)
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = built.start(folder_of, code, output)
        _, status, usage = os.wait4(process.pid, 0)
        wall_ms = (time.perf_counter() - started) * 1000
        process.returncode = status
        if status:
            output.seek(0)
            text = output.read().decode(errors="replace").strip()
            name = function.name if function else "FastAPI"
            raise PackagingFailed(f"{name} doesn't start:\n{text}")
    return StartTime(wall_ms, (usage.ru_utime + usage.ru_stime) * 1000)


def main() -> None:
    """Build all functions, measure their cold starts and print the table."""
    try:
        built = build_locally()
        print(table(measure(built, built.functions)))
    except PackagingFailed as error:
        sys.exit(f"coldstart: {error}")


if __name__ == "__main__":
    main()
