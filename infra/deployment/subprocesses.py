"""Run other programs within a deadline."""

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from infra.deployment.deadline import Deadline
from infra.deployment.release_errors import ReleaseStepFailed

ROOT = Path(__file__).parents[2]
_LAST_LINES = 8
_INTERRUPT_TIMEOUT_S = 15.0


def run(command: Sequence[str], deadline: Deadline) -> str:
    """Run `command` and return its standard output.

    Raises `ReleaseStepFailed` if it can't be started, takes too long, or fails; then with the last
    lines of its output.
    """
    name = " ".join([Path(command[0]).name, *command[1:3]])
    left_s = deadline.left_s
    try:
        process = _start(command)
    except OSError as error:
        raise ReleaseStepFailed(f"{name} can't be started: {error.strerror}") from None
    try:
        stdout, stderr = process.communicate(timeout=left_s)
    except subprocess.TimeoutExpired:
        _interrupt(process)
        raise ReleaseStepFailed(f"{name} took too long") from None
    except KeyboardInterrupt:
        _interrupt(process)
        raise
    if process.returncode:
        last = "\n".join((stdout + stderr).strip().splitlines()[-_LAST_LINES:])
        raise ReleaseStepFailed(f"{name} failed: {last or f'exit code {process.returncode}'}")
    return stdout


def _start(command: Sequence[str]) -> subprocess.Popen[str]:
    """Start in a session of its own: signals of the terminal reach this process only."""
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
    """Interrupt it, so that flyctl can release its leases on machines; kill it if that fails."""
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.communicate(timeout=_INTERRUPT_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
