"""Other programs, run to their end within the time that is left."""

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from infra.deployment.clock import Deadline
from infra.deployment.failure import ReleaseFailed

ROOT = Path(__file__).parents[2]
_LAST_LINES = 8
_LAST_WORDS_S = 15.0


def output(command: Sequence[str], deadline: Deadline) -> str:
    """What `command` writes to its standard output.

    Raises `ReleaseFailed` with its last words where it fails, isn't there, or takes too long.
    """
    name = " ".join([Path(command[0]).name, *command[1:3]])
    left_s = deadline.left_s
    try:
        process = _begun(command)
    except OSError as error:
        raise ReleaseFailed(f"{name} can't be started: {error.strerror}") from None
    try:
        told, complained = process.communicate(timeout=left_s)
    except subprocess.TimeoutExpired:
        _interrupt(process)
        raise ReleaseFailed(f"{name} took too long") from None
    except KeyboardInterrupt:
        _interrupt(process)
        raise
    if process.returncode:
        said = "\n".join((told + complained).strip().splitlines()[-_LAST_LINES:])
        raise ReleaseFailed(f"{name} failed: {said or f'exit code {process.returncode}'}")
    return told


def _begun(command: Sequence[str]) -> subprocess.Popen[str]:
    """Started out of the terminal's reach: what it is told, it is told by us."""
    return subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )


def _interrupt(process: subprocess.Popen[str]) -> None:
    """End it so that it can give back what it holds: flyctl has leases on machines."""
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.communicate(timeout=_LAST_WORDS_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
