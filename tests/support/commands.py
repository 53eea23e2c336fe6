"""Run the programs of infra/scripts/ with the given settings and no others of the project."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest.mock import patch

from infra.environment.variables import SETTING_NAMES

_SCRIPTS = Path(__file__).parents[2] / "infra" / "scripts"
_TIMEOUT_S = 60

CompletedScript = subprocess.CompletedProcess[str]


def run_script(name: str, *arguments: str | Path, **variables: str) -> CompletedScript:
    """Run the script in a new process, from a folder outside the project."""
    return run_script_in(Path("/"), name, *arguments, **variables)


def run_script_in(
    folder: Path, name: str, *arguments: str | Path, **variables: str
) -> CompletedScript:
    """Run the script from `folder`, with no standard input."""
    return subprocess.run(
        [_SCRIPTS / name, *arguments],
        cwd=folder,
        env=_environment(variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )


def run_main(
    program: Callable[[], int], *arguments: str | Path, **variables: str
) -> CompletedScript:
    """Call the `main` behind a script in this process, in a tenth of the time."""
    command = [program.__module__, *map(str, arguments)]
    stdout, stderr = StringIO(), StringIO()
    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, _environment(variables), clear=True))
        stack.enter_context(patch.object(sys, "argv", command))
        stack.enter_context(patch.object(sys, "stdin", StringIO()))
        stack.enter_context(redirect_stdout(stdout))
        stack.enter_context(redirect_stderr(stderr))
        try:
            code = program()
        except SystemExit as end:
            code = _exit_code(end, stderr)
    return subprocess.CompletedProcess(command, code, stdout.getvalue(), stderr.getvalue())


def _environment(variables: dict[str, str]) -> dict[str, str]:
    others = {name: value for name, value in os.environ.items() if name not in SETTING_NAMES}
    return others | variables


def _exit_code(end: SystemExit, stderr: StringIO) -> int:
    """The exit code that Python would use: for a text, it prints the text and exits with 1."""
    if isinstance(end.code, str):
        stderr.write(f"{end.code}\n")
        return 1
    return int(end.code or 0)
