"""Runs a function in a child process that reports progress and returns a result."""

import gc
import multiprocessing
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from tests.load.failure import LoadFailed

_SPAWN = multiprocessing.get_context("spawn")
_END_TIMEOUT_S = 10.0


class _Done(NamedTuple):
    result: Any


class _Failed(NamedTuple):
    reason: str


class ChildProcess:
    """A child process; `progress` is its last message, `result` what the function returned."""

    def __init__(self, work: Callable[..., Any], *arguments: Any) -> None:
        self._pipe, child_end = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_run, args=(work, child_end, arguments), daemon=True)
        self._process.start()
        child_end.close()
        self.progress: Any = None
        self.result: Any = None
        self.is_done = False

    def send(self, message: Any) -> None:
        """Send an object to the child."""
        self._pipe.send(message)

    def receive(self, seconds: float) -> bool:
        """Wait `seconds` for a message; return whether one came. Raises `LoadFailed`."""
        if self.is_done or not self._pipe.poll(seconds):
            return False
        try:
            message = self._pipe.recv()
        except (EOFError, OSError):
            message = _Failed("A process of the load tool ended without a result.")
        if isinstance(message, _Failed):
            raise LoadFailed(message.reason)
        if isinstance(message, _Done):
            self.is_done, self.result = True, message.result
        else:
            self.progress = message
        return True

    def stop(self) -> None:
        """Terminate the child if it still works, and wait for its end."""
        if not self.is_done:
            self._process.terminate()
        self._process.join(_END_TIMEOUT_S)
        self._pipe.close()


def _run(work: Callable[..., Any], pipe: Connection, arguments: tuple[Any, ...]) -> None:
    """Run `work` in the child, which only the parent stops, without garbage collection."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()
    try:
        pipe.send(_Done(work(pipe, *arguments)))
    except LoadFailed as failure:
        pipe.send(_Failed(str(failure)))
    except Exception as error:
        pipe.send(_Failed(f"{work.__name__} failed: {type(error).__name__}: {error}"))
