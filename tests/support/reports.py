"""Socket on which other processes report to a test, one connection per report."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

_TIMEOUT_S = 30.0


class Reports:
    """Listens on a loopback port; a test may keep a reporting process waiting."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_TIMEOUT_S)

    @property
    def port(self) -> int:
        """Port to report to."""
        return int(self._listener.getsockname()[1])

    def next(self) -> Any:
        """Return the next report. Raises `TimeoutError` after 15 s."""
        with self.caller() as report:
            return report

    @contextmanager
    def caller(self) -> Iterator[Any]:
        """Yield the next report; its connection stays open until the end of the block."""
        connection, _ = self._listener.accept()
        with connection, connection.makefile("rb") as report:
            yield json.load(report)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
