"""A CPython 3.12 of this machine: bytecode is good for one minor version alone."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from infra.packaging.failure import PackagingFailed


@cache
def python312() -> str:
    """Its path. Raises `PackagingFailed` if there is none."""
    for candidate in _candidates():
        if _is_312(candidate):
            return candidate
    raise PackagingFailed(
        "Lambda runs Python 3.12, and none was found here to compile for it. Install it, or name"
        " one in the environment: PYTHON312=/path/to/python3.12"
    )


def compile_all(folder: Path, runs_at: str | None) -> None:
    """Compile every module in `folder`; tracebacks will show it at `runs_at`, or where it is.

    Lambda's files are read-only and their times made up, so bytecode that is checked against its
    source would be stale, and compiled anew at every start.
    """
    options = ["--invalidation-mode", "unchecked-hash", "-q", "-j", "0"]
    if runs_at:
        options += ["-s", str(folder), "-p", runs_at]
    ran = subprocess.run(
        [python312(), "-m", "compileall", *options, str(folder)],
        env={**os.environ, "PYTHONHASHSEED": "0"},  # else sets are written in another order
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise PackagingFailed(f"Python 3.12 can't compile everything: {ran.stdout or ran.stderr}")


def _candidates() -> Iterator[str]:
    if "PYTHON312" in os.environ:
        yield os.environ["PYTHON312"]
        return
    yield sys.executable
    if found := shutil.which("python3.12"):
        yield found
    for path in sorted(Path.home().glob(".pyenv/versions/3.12.*/bin/python3.12"), reverse=True):
        yield str(path)


def _is_312(python: str) -> bool:
    """Whether it is one that really runs."""
    code = "import sys; print(sys.implementation.name, *sys.version_info[:2])"
    try:
        ran = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return ran.stdout.strip() == "cpython 3 12"
