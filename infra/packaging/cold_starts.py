"""Measure cold starts: a process that imports a packaged function's handler and exits.

`python -m infra.packaging.cold_starts` prints the table for docs/performance.md. Times depend on
the machine and its load, so tests check how much source code a start loads instead.
"""

import os
import sys
import tempfile
import time
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from resource import struct_rusage
from statistics import median

from infra.packaging.build_lock import locked_build
from infra.packaging.local_build import LocalBuild, build_locally
from infra.packaging.manifest import Function
from infra.packaging.packaging_errors import PackagingFailed

_BUDGET = 1.25
_BASELINE = "import fastapi, mangum"
_FASTAPI_FUNCTION = "docs"
"""The only function that contains FastAPI, which would make the OpenAPI document."""

_PRINT_LOADED_BYTES = """
import os, sys
files = {m.__file__ for m in list(sys.modules.values()) if getattr(m, "__file__", None)}
print(sum(os.path.getsize(file) for file in files if file.endswith(".py")))
"""


@dataclass(frozen=True, slots=True)
class StartTime:
    """Wall-clock and CPU time of a start in ms."""

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


@dataclass(frozen=True, slots=True)
class LoadedSource:
    """Bytes of the source files that a start of a function loads, and those of the baseline."""

    function: Function
    loaded: int
    baseline: int

    @property
    def ratio(self) -> float:
        """Loaded bytes relative to the baseline."""
        return self.loaded / self.baseline

    @property
    def within_budget(self) -> bool:
        """Whether the ratio is at most 1.25."""
        return self.ratio <= _BUDGET


def measure(
    built: LocalBuild, functions: Iterable[Function], *, rounds: int = 10
) -> list[ColdStart]:
    """Return the median of `rounds` starts of each function.

    The functions and the baseline start in turn, so that other load of this machine affects all of
    them equally. Raises `PackagingFailed` if one can't start.
    """
    times: dict[Function | None, list[StartTime]] = {f: [] for f in (None, *functions)}
    for _ in range(rounds):
        for function, taken in times.items():
            taken.append(_timed_start(built, function))
    baseline = StartTime.median(times.pop(None))
    return [ColdStart(f, StartTime.median(taken), baseline) for f, taken in times.items() if f]


def loaded_source(
    built: LocalBuild, functions: Collection[Function], *, at_once: int
) -> list[LoadedSource]:
    """Start each of the functions, `at_once` in parallel, and return the source that it loaded.

    Raises `PackagingFailed` if one can't start.
    """
    with ThreadPoolExecutor(at_once) as executor:
        loaded = executor.map(
            lambda function: int(_start(built, function, _PRINT_LOADED_BYTES)[1]),
            (None, *functions),
        )
        baseline = next(loaded)
        return [
            LoadedSource(f, count, baseline) for f, count in zip(functions, loaded, strict=True)
        ]


def table(starts: Iterable[ColdStart]) -> str:
    """Return the results as a Markdown table, the slowest last."""
    starts = sorted(starts, key=lambda start: start.ratio)
    rows = [_row(s.function.name, s.time, f"{s.ratio:.2f}") for s in starts]
    baseline = _row("*FastAPI and Mangum alone*", starts[0].baseline, "1.00")
    head = "| function | ms | ms of CPU | ratio |"
    return "\n".join([head, "|---|---|---|---|", baseline, *rows])


def _row(name: str, start_time: StartTime, ratio: str) -> str:
    return f"| {name} | {start_time.wall_ms:.0f} | {start_time.cpu_ms:.0f} | {ratio} |"


def _timed_start(built: LocalBuild, function: Function | None) -> StartTime:
    started = time.perf_counter()
    usage, _ = _start(built, function)
    wall_ms = (time.perf_counter() - started) * 1000
    return StartTime(wall_ms, (usage.ru_utime + usage.ru_stime) * 1000)


def _start(
    built: LocalBuild, function: Function | None, then: str = ""
) -> tuple[struct_rusage, str]:
    """Import the function's handler, then run the code `then`; return the usage and the output."""
    code = f"from {function.module} import handler" if function else _BASELINE
    folder_of = function or next(f for f in built.functions if f.name == _FASTAPI_FUNCTION)
    with tempfile.TemporaryFile() as output:
        process = built.start(folder_of, f"{code}\n{then}", output)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
        output.seek(0)
        text = output.read().decode(errors="replace").strip()
    if status:
        name = function.name if function else "FastAPI"
        raise PackagingFailed(f"{name} doesn't start:\n{text}")
    return usage, text


def main() -> None:
    """Build all functions, measure their cold starts and print the table."""
    try:
        with locked_build():
            built = build_locally()
            print(table(measure(built, built.functions)))
    except PackagingFailed as error:
        sys.exit(f"coldstart: {error}")


if __name__ == "__main__":
    main()
