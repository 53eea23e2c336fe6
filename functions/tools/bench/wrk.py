"""Load from a separate process: wrk."""

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

from functions.tools.bench.failure import BenchFailed
from functions.tools.bench.figures import Figures

_SCRIPT = Path(__file__).with_name("load.lua")
CONNECTIONS: Final = 16
"""Keep-alive connections to each server; each sends its next request when it has its answer."""

NEW_ID: Final = "NEW-ID"
"""Stands for an id that was never used before, another one in each request's body."""


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


def run(load: Load, urls: Sequence[str], seconds: float) -> Figures:
    """Repeat `load` at all `urls` for `seconds`, from one thread and 16 connections for each."""
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
