"""Starts modules as processes that are forked from one process which has imported them already.

Importing the service takes most of a second. The tests start hundreds of instances, so one fork
server per test process imports it once. A forked process runs the module as `python -m` does.
"""

import os
import runpy
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import connection, get_context, reduction
from pathlib import Path
from subprocess import TimeoutExpired
from threading import Lock
from typing import Any

_ROOT = Path(__file__).parents[2]
_FORKSERVER = get_context("forkserver")
_FORKSERVER.set_forkserver_preload(
    # Not `awslambdaric`: its client reads the address of the Runtime API when it is imported.
    ["functions.server", "shared.composition.function", "shared.serverless.http_function"]
)

is_enabled = False
"""Whether instances of the service and of functions are forked; the tests set it."""

_lock = Lock()
"""Held while `multiprocessing` changes its list of processes, or reads an exit code."""


class ForkedProcess:
    """One process, with the methods of `subprocess.Popen` that this project uses."""

    def __init__(
        self,
        module: str,
        environment: Mapping[str, str],
        output: int | None,
        arguments: Sequence[str] = (),
        anew: Sequence[str] = (),
    ) -> None:
        """Start `module`; it prints to the file descriptor `output`, or where this process does.

        It imports the modules `anew` itself, because their import has effects.
        """
        streams = (_Descriptor(output or 1), _Descriptor(output or 2))
        values = (module, tuple(arguments), tuple(anew), dict(environment), *streams)
        self._process = _FORKSERVER.Process(target=_run, args=values, daemon=True)
        with _lock:
            self._process.start()

    @property
    def sentinel(self) -> int:
        """A file descriptor that can be read as soon as the process has ended."""
        return self._process.sentinel

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; `None` while the process runs."""
        with _lock:
            return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end. Raises `subprocess.TimeoutExpired` after `timeout` s."""
        connection.wait([self.sentinel], timeout)
        if (code := self.poll()) is None:
            raise TimeoutExpired(str(self._process.name), timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask the process to stop (SIGTERM)."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Stop the process at once (SIGKILL)."""
        self.send_signal(signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class _Descriptor:
    """A file descriptor that a new process gets as an `int` of its own."""

    number: int

    def __reduce__(self) -> tuple[Callable[..., int], tuple[object]]:
        return _received, (reduction.DupFd(self.number),)


def _received(duplicate: Any) -> int:
    return int(duplicate.detach())


def _run(
    module: str,
    arguments: Sequence[str],
    anew: Sequence[str],
    environment: dict[str, str],
    stdout: int,
    stderr: int,
) -> None:
    """Run `module` in the new process, with this environment only."""
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.argv = [module, *arguments]
    os.chdir(_ROOT)
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    for name in (module, *anew):  # the module itself runs as the main module
        sys.modules.pop(name, None)
    runpy.run_module(module, run_name="__main__", alter_sys=True)
