"""How long a process takes that imports a function's handler and ends, as it is packaged.

`python -m infra.packaging.coldstart` prints the table for docs/performance.md.
"""

import os
import sys
import tempfile
import time
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median

from infra.packaging.failure import PackagingFailed
from infra.packaging.manifest import Function
from infra.packaging.unpacked import Unpacked, unpacked

HOT = frozenset({"switch", "read", "summary", "time", "start", "pause", "resume"})
"""Somebody waits for these in a running session."""

_MOST_HOT = 1.0
_MOST = 1.1
_MOST_WITH_FASTAPI = 1.5
_FLOOR = "import fastapi, mangum"
_CARRIES_FASTAPI = "docs"
"""The only function that needs FastAPI, which makes the OpenAPI document."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a start took, ms: on the clock, and of a processor.

    The budgets are of the latter. A start does nothing but compute, so on a machine with nothing
    else to do both are the same; on any other the clock tells more of the machine.
    """

    wall_ms: float
    cpu_ms: float

    @classmethod
    def median(cls, starts: Collection["Taken"]) -> "Taken":
        """The middle of each."""
        return cls(median(s.wall_ms for s in starts), median(s.cpu_ms for s in starts))


@dataclass(frozen=True, slots=True)
class ColdStart:
    """One function's start, beside the floor: the bare imports of FastAPI and Mangum."""

    function: Function
    taken: Taken
    floor: Taken

    @property
    def ratio(self) -> float:
        """How many times as long as the floor."""
        return self.taken.cpu_ms / self.floor.cpu_ms

    @property
    def most(self) -> float:
        """The budget of the ratio."""
        if self.function.name == _CARRIES_FASTAPI:
            return _MOST_WITH_FASTAPI
        return _MOST_HOT if self.function.name in HOT else _MOST


def measure(
    built: Unpacked, functions: Iterable[Function], *, rounds: int = 10, at_once: int = 1
) -> list[ColdStart]:
    """The median of so many starts of each function. Raises `PackagingFailed` if one can't start.

    They start in turn, the floor among them, so that whatever else this machine does at a time
    burdens all alike.
    """
    starts: dict[Function | None, list[Taken]] = {f: [] for f in (None, *functions)}
    turns = [function for _ in range(rounds) for function in starts]
    with ThreadPoolExecutor(at_once) as starters:
        results = starters.map(lambda function: _start(built, function), turns)
        for function, taken in zip(turns, results, strict=True):
            starts[function].append(taken)
    floor = Taken.median(starts.pop(None))
    return [ColdStart(f, Taken.median(taken), floor) for f, taken in starts.items() if f]


def table(starts: Iterable[ColdStart]) -> str:
    """The figures in Markdown, the slowest last."""
    starts = sorted(starts, key=lambda start: start.ratio)
    rows = [_row(s.function.name, s.taken, f"{s.ratio:.2f} | {s.most:.1f}") for s in starts]
    floor = _row("*FastAPI and Mangum alone*", starts[0].floor, "1.00 | ")
    head = "| function | ms | ms of CPU | ratio | at most |"
    return "\n".join([head, "|---|---|---|---|---|", floor, *rows])


def _row(name: str, taken: Taken, ratio: str) -> str:
    return f"| {name} | {taken.wall_ms:.0f} | {taken.cpu_ms:.0f} | {ratio} |"


def _start(built: Unpacked, function: Function | None) -> Taken:
    code = f"from {function.module} import handler" if function else _FLOOR
    place = function or next(f for f in built.functions if f.name == _CARRIES_FASTAPI)
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        process = built.start(place, code, output)
        _, status, used = os.wait4(process.pid, 0)
        wall_ms = (time.perf_counter() - began) * 1000
        process.returncode = status
        if status:
            output.seek(0)
            said = output.read().decode(errors="replace").strip()
            name = function.name if function else "FastAPI"
            raise PackagingFailed(f"{name} doesn't start:\n{said}")
    return Taken(wall_ms, (used.ru_utime + used.ru_stime) * 1000)


def main() -> None:
    """Build, measure, print."""
    try:
        built = unpacked()
        print(table(measure(built, built.functions)))
    except PackagingFailed as error:
        sys.exit(f"coldstart: {error}")


if __name__ == "__main__":
    main()
