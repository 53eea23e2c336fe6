"""`python -m tests.load instructions`: count the machine instructions of a request.

Times differ between runs by more than most changes of the code; counts don't (0.5 %). Valgrind
counts those of an instance that answers 16 callers in the same process, without HTTP. The counts
of a run without requests are subtracted. `--compared-with` counts another checkout too.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from rich import box
from rich.console import Console
from rich.table import Table

from infra.local.instance import environment_without_databases
from infra.local.no_auth_settings import NO_AUTH_SETTINGS
from infra.local.redis import embedded_redis
from tests.load.failure import LoadFailed

NAME = "instructions"
KINDS = ("read", "create", "switch")
_REQUESTS = 500
_TOTAL = re.compile(r"I\s+refs:\s+([\d,]+)")
_SCRIPT = Path(__file__).with_name("requests_in_process.py")
_ROOT = Path(__file__).parents[2]


def main(arguments: list[str], console: Console) -> int:
    """Count and print the instructions; return the exit code. Raises `LoadFailed`."""
    parser = argparse.ArgumentParser(prog=f"make load SCENARIO={NAME}", description=__doc__)
    parser.add_argument(
        "--compared-with", type=Path, metavar="FOLDER", help="a checkout of another version"
    )
    parser.add_argument(
        "--requests", type=int, default=_REQUESTS, help=f"of each kind; default: {_REQUESTS}"
    )
    options = parser.parse_args(arguments)
    if shutil.which("valgrind") is None:
        raise LoadFailed("valgrind is missing: install it with `apt-get install valgrind`.")
    folders = [_ROOT, *([options.compared_with] if options.compared_with else [])]
    counts = []
    for folder in folders:
        with console.status(f"counting the instructions of {folder.resolve().name}: a few minutes"):
            counts.append(instructions_of(folder, options.requests))
    _report(counts, console)
    return 0


def instructions_of(folder: Path, requests: int) -> dict[str, float]:
    """Return the thousands of instructions that one request of each kind takes.

    `folder` is the checkout whose code runs. Raises `LoadFailed` if that fails.
    """
    _run(folder, dict.fromkeys(KINDS, 1), [])  # compiles the modules, which must not count
    runs = [dict.fromkeys(KINDS, 0), *({**dict.fromkeys(KINDS, 0), k: requests} for k in KINDS)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        without, *totals = pool.map(lambda counts: _count(folder, counts), runs)
    return {
        kind: (total - without) / requests / 1_000
        for kind, total in zip(KINDS, totals, strict=True)
    }


def _count(folder: Path, requests: dict[str, int]) -> int:
    """Return the instructions of a process that sends so many requests of each kind."""
    with TemporaryDirectory() as unused:
        output = f"--cachegrind-out-file={unused}/lines"
        valgrind = ["valgrind", "--tool=cachegrind", "--cache-sim=no", output]
        printed = _run(folder, requests, valgrind)
    total = _TOTAL.search(printed)
    if total is None:
        raise LoadFailed(f"valgrind printed no count: {printed[-500:]}")
    return int(total[1].replace(",", ""))


def _run(folder: Path, requests: dict[str, int], before: list[str]) -> str:
    """Run the script with the command `before` it, and return its standard error."""
    arguments = [f"{kind}={count}" for kind, count in requests.items()]
    command = [*before, sys.executable, "-P", str(_SCRIPT), *arguments]
    with embedded_redis() as redis_url:
        environment = {
            **environment_without_databases(),
            **NO_AUTH_SETTINGS,
            "REDIS_URL": redis_url,
            "LOG_LEVEL": "WARNING",
            "AUDIT_WORKER": "off",  # writes audit entries, which another process would read
            "PYTHONPATH": str(folder.resolve()),
            "PYTHONHASHSEED": "0",
        }
        ended = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
    if ended.returncode:
        raise LoadFailed(f"The requests failed: {ended.stderr.strip()[-500:]}")
    return ended.stderr


def _report(counts: list[dict[str, float]], console: Console) -> None:
    table = Table(box=box.SIMPLE, title="machine instructions of a request, thousands")
    for heading in ("", "this version", *["the other", "ratio"][: 2 * (len(counts) - 1)]):
        table.add_column(heading, justify="right" if heading else "left")
    for kind in KINDS:
        numbers = [each[kind] for each in counts]
        ratio = [f"{numbers[0] / numbers[1]:.3f}"] if len(numbers) > 1 else []
        table.add_row(kind, *(f"{number:.1f}" for number in numbers), *ratio)
    console.print(table)
