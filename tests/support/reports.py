"""A line on which processes tell a test what they do, one call for each report."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

_WAIT_S = 15.0


class Reports:
    """Listens on a loopback port; whoever calls may be kept waiting."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_WAIT_S)

    @property
    def port(self) -> int:
        """Where to call."""
        return int(self._listener.getsockname()[1])

    def next(self) -> Any:
        """The next report. Raises `TimeoutError` when none comes."""
        with self.caller() as report:
            return report

    @contextmanager
    def caller(self) -> Iterator[Any]:
        """The next report, whose sender may wait for the end of the block."""
        line, _ = self._listener.accept()
        with line, line.makefile("rb") as told:
            yield json.load(told)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
