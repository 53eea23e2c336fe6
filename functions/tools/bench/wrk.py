"""Load from a separate process: wrk."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from functions.tools.bench.failure import BenchFailed
from functions.tools.bench.figures import Figures

_SCRIPT = Path(__file__).with_name("load.lua")
_CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class Load:
    """The request that is repeated; `ID` in the path stands for each session in turn."""

    method: str
    path: str
    body: str = ""
    session_ids: Sequence[str] = ()


class _Done(msgspec.Struct):
    requests: int
    duration_us: int
    not_2xx: int
    broken: int
    p50_us: int
    p95_us: int
    p99_us: int


def require_wrk() -> None:
    """Raise `BenchFailed` when wrk is not installed."""
    if shutil.which("wrk") is None:
        raise BenchFailed(
            "wrk is missing: install it with `apt-get install wrk` or `brew install wrk`."
        )


def run(load: Load, url: str, seconds: int) -> Figures:
    """Repeat `load` at `url` for a while."""
    command = ["wrk", "-t1", f"-c{_CONNECTIONS}", f"-d{seconds}s", "-s", str(_SCRIPT), url]
    scenario = [load.method, load.path, load.body, *load.session_ids]
    finished = subprocess.run([*command, "--", *scenario], capture_output=True, text=True)
    if finished.returncode:
        raise BenchFailed(f"wrk failed: {finished.stderr.strip() or finished.stdout.strip()}")
    return parse(finished.stdout)


def parse(output: str) -> Figures:
    """The figures in the last line of what wrk wrote."""
    done = msgspec.json.decode(output.strip().splitlines()[-1], type=_Done)
    return Figures(
        done.requests / done.duration_us * 1e6,
        done.p50_us / 1000,
        done.p95_us / 1000,
        done.p99_us / 1000,
        done.not_2xx + done.broken,
    )
