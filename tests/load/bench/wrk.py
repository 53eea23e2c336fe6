"""Load generator: runs wrk in a separate process."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec

from tests.load.bench.errors import BenchError
from tests.load.bench.figures import Figures

_SCRIPT = Path(__file__).with_name("load.lua")
CONNECTIONS: Final = 16
"""Keep-alive connections per server; each sends its next request after the answer arrived."""

NEW_ID: Final = "NEW-ID"
"""Placeholder in a body; load.lua replaces it with a new id in each request."""


@dataclass(frozen=True, slots=True)
class Load:
    """The request to repeat; `ID` in `path` is replaced by each of `session_ids` in turn."""

    method: str
    path: str
    body: str = ""
    session_ids: Sequence[str] = ()


class _Summary(msgspec.Struct):
    requests: int
    duration_us: int
    not_2xx: int
    broken: int
    p50_us: int
    p95_us: int
    p99_us: int


def require_wrk() -> None:
    """Raise `BenchError` when wrk is not installed."""
    if shutil.which("wrk") is None:
        raise BenchError(
            "wrk is missing: install it with `apt-get install wrk` or `brew install wrk`."
        )


def run_wrk(load: Load, urls: Sequence[str], seconds: float) -> Figures:
    """Send `load` to all `urls` for `seconds`, with one thread and 16 connections per URL.

    Raises `BenchError` when wrk fails.
    """
    ports = [str(urlsplit(url).port) for url in urls]
    connections = CONNECTIONS * len(urls)
    command = ["wrk", f"-t{len(urls)}", f"-c{connections}", f"-d{seconds:.0f}s"]
    prefix = str(uuid4())[:-12]
    scenario = [load.method, load.path, load.body, prefix, *load.session_ids]
    finished = subprocess.run(
        [*command, "-s", str(_SCRIPT), urls[0], "--", *scenario],
        env=os.environ | {"WRK_PORTS": ",".join(ports)},
        capture_output=True,
        text=True,
    )
    if finished.returncode:
        raise BenchError(f"wrk failed: {finished.stderr.strip() or finished.stdout.strip()}")
    return parse_summary(finished.stdout)


def parse_summary(output: str) -> Figures:
    """Return the figures from the last line of wrk's output."""
    summary = msgspec.json.decode(output.strip().splitlines()[-1], type=_Summary)
    return Figures(
        summary.requests / summary.duration_us * 1e6,
        summary.p50_us / 1000,
        summary.p95_us / 1000,
        summary.p99_us / 1000,
        summary.not_2xx + summary.broken,
    )
