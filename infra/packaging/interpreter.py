"""Find and use a CPython 3.12: bytecode is valid for one minor version only."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from infra.packaging.packaging_errors import PackagingFailed


@cache
def python312() -> str:
    """Return the path of a CPython 3.12. Raises `PackagingFailed` if there is none."""
    for candidate in _candidates():
        if _is_312(candidate):
            return candidate
    raise PackagingFailed(
        "Compiling for Lambda needs Python 3.12, and none was found. Install it, or set"
        " PYTHON312=/path/to/python3.12 in the environment."
    )


def compile_all(folder: Path, runs_at: str | None) -> None:
    """Compile every module in `folder`; tracebacks show paths below `runs_at` if it is given.

    Lambda's file system is read-only and its modification times aren't the sources', so bytecode
    checked against its source would count as stale and be recompiled at every start.
    """
    options = ["--invalidation-mode", "unchecked-hash", "-q", "-j", "0"]
    if runs_at:
        options += ["-s", str(folder), "-p", runs_at]
    ran = subprocess.run(
        [python312(), "-m", "compileall", *options, str(folder)],
        env={**os.environ, "PYTHONHASHSEED": "0"},  # constant order of sets in the bytecode
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
    """Return whether `python` can be run and is CPython 3.12."""
    code = "import sys; print(sys.implementation.name, *sys.version_info[:2])"
    try:
        ran = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return ran.stdout.strip() == "cpython 3 12"
