"""Other programs, run to their end within the time that is left."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from infra.deployment.clock import Deadline
from infra.deployment.failure import ReleaseFailed

ROOT = Path(__file__).parents[2]
_LAST_LINES = 8


def output(command: Sequence[str], deadline: Deadline) -> str:
    """What `command` writes to its standard output.

    Raises `ReleaseFailed` with its last words where it fails, isn't there, or takes too long.
    """
    name = " ".join([Path(command[0]).name, *command[1:3]])
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=deadline.left_s
        )
    except subprocess.TimeoutExpired:
        raise ReleaseFailed(f"{name} took too long") from None
    except OSError as error:
        raise ReleaseFailed(f"{name} can't be started: {error.strerror}") from None
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-_LAST_LINES:])
        raise ReleaseFailed(f"{name} failed: {said or f'exit code {done.returncode}'}")
    return done.stdout


def is_content(command: Sequence[str], deadline: Deadline) -> bool:
    """Whether `command` ends with 0."""
    try:
        output(command, deadline)
    except ReleaseFailed:
        return False
    return True
