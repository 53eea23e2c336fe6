"""Work in a process of its own, which tells how it goes and hands over what it has found."""

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


class Child:
    """One such process; `news` is what it told last, `result` what it ended with."""

    def __init__(self, work: Callable[..., Any], *arguments: Any) -> None:
        self._pipe, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_run, args=(work, theirs, arguments), daemon=True)
        self._process.start()
        theirs.close()
        self.news: Any = None
        self.result: Any = None
        self.is_done = False

    def say(self, word: Any) -> None:
        """Tell it something."""
        self._pipe.send(word)

    def listen(self, seconds: float) -> bool:
        """Wait so long for a word of it; returns whether one came. Raises `LoadFailed`."""
        if self.is_done or not self._pipe.poll(seconds):
            return False
        try:
            word = self._pipe.recv()
        except (EOFError, OSError):
            word = _Failed("a process of the load ended without a word")
        if isinstance(word, _Failed):
            raise LoadFailed(word.reason)
        if isinstance(word, _Done):
            self.is_done, self.result = True, word.result
        else:
            self.news = word
        return True

    def end(self) -> None:
        """See that it is gone."""
        if not self.is_done:
            self._process.terminate()
        self._process.join(_END_TIMEOUT_S)
        self._pipe.close()


def _run(work: Callable[..., Any], pipe: Connection, arguments: tuple[Any, ...]) -> None:
    """The child's own part: the parent ends it, nobody else; no collector stops it midway."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()
    try:
        pipe.send(_Done(work(pipe, *arguments)))
    except LoadFailed as failure:
        pipe.send(_Failed(str(failure)))
    except Exception as error:
        pipe.send(_Failed(f"{work.__name__} failed: {type(error).__name__}: {error}"))
