"""Find and use a CPython of the runtime's version: bytecode is valid for one minor version only."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from infra.packaging.manifest import PYTHON_VERSION
from infra.packaging.packaging_errors import PackagingFailed


@cache
def lambda_python() -> str:
    """Return the path of a CPython `PYTHON_VERSION`. Raises `PackagingFailed` if there is none."""
    for candidate in _candidates():
        if _is_of_the_version(candidate):
            return candidate
    raise PackagingFailed(
        f"Compiling for Lambda needs Python {PYTHON_VERSION}, and none was found. Install it, or"
        f" set LAMBDA_PYTHON=/path/to/python{PYTHON_VERSION} in the environment."
    )


def compile_all(folder: Path, runs_at: str | None) -> None:
    """Compile every module in `folder`; tracebacks show paths below `runs_at` if it is given.

    Lambda's file system is read-only and its modification times aren't the sources', so bytecode
    checked against its source would count as stale and be recompiled at every start. Raises
    `PackagingFailed`.
    """
    options = ["--invalidation-mode", "unchecked-hash", "-q", "-j", "0"]
    if runs_at:
        options += ["-s", str(folder), "-p", runs_at]
    ran = subprocess.run(
        [lambda_python(), "-m", "compileall", *options, str(folder)],
        env={**os.environ, "PYTHONHASHSEED": "0"},  # constant order of sets in the bytecode
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise PackagingFailed(
            f"Python {PYTHON_VERSION} can't compile everything: {ran.stdout or ran.stderr}"
        )


def _candidates() -> Iterator[str]:
    if "LAMBDA_PYTHON" in os.environ:
        yield os.environ["LAMBDA_PYTHON"]
        return
    yield sys.executable
    if found := shutil.which(f"python{PYTHON_VERSION}"):
        yield found
    pattern = f".pyenv/versions/{PYTHON_VERSION}.*/bin/python{PYTHON_VERSION}"
    for path in sorted(Path.home().glob(pattern), reverse=True):
        yield str(path)


def _is_of_the_version(python: str) -> bool:
    """Return whether `python` can be run and is CPython `PYTHON_VERSION`."""
    code = "import sys; print(sys.implementation.name, '{}.{}'.format(*sys.version_info))"
    try:
        ran = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return ran.stdout.strip() == f"cpython {PYTHON_VERSION}"
