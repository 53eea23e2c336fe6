"""Run the project's scripts and other programs, with their output on the terminal."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.environment.variables import SETTING_NAMES
from infra.launch.errors import LaunchFailed


class ProgramFailed(LaunchFailed):
    """A program ended with the exit code `code`, which isn't 0."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Programs:
    """Runs programs in the checkout at `root`."""

    root: Path

    def run(self, *command: str, variables: Mapping[str, str] | None = None) -> None:
        """Run a program; of the service's settings it gets only those in `variables`.

        It may write to the terminal. The variables are not on the command line, which other users
        could read. An interruption from the keyboard reaches the program itself, which may undo its
        work before it ends.
        Raises `ProgramFailed`.
        """
        self._finish(self._start(command, variables or {}, None), command)

    def output(self, *command: str) -> str:
        """Return the standard output of a program. Raises `ProgramFailed`."""
        return self._finish(self._start(command, {}, subprocess.PIPE), command)

    def _start(
        self, command: Sequence[str], variables: Mapping[str, str], output: int | None
    ) -> subprocess.Popen[str]:
        try:
            return subprocess.Popen(
                [self._located(command[0]), *command[1:]],
                cwd=self.root,
                env=_environment() | dict(variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                text=True,
            )
        except OSError as error:
            raise ProgramFailed(f"{command[0]} can't be started: {error.strerror}", 127) from None

    def _located(self, program: str) -> str:
        """Return the path of a program of the checkout; others are found on the PATH."""
        return str(self.root / program) if "/" in program else program

    def _finish(self, process: subprocess.Popen[str], command: Sequence[str]) -> str:
        interrupted = False
        while True:
            try:
                output, errors = process.communicate()
                break
            except KeyboardInterrupt:
                interrupted = True
        if interrupted:
            raise KeyboardInterrupt
        if process.returncode:
            reason = (errors or output or "see above").strip()
            name = " ".join(command[:2])
            raise ProgramFailed(
                f"{name} failed (exit code {process.returncode}): {reason}", process.returncode
            )
        return output or ""


def _environment() -> dict[str, str]:
    """Return the environment without the service's settings, which the stage's file has."""
    return {name: value for name, value in os.environ.items() if name not in SETTING_NAMES}
