"""How a client learns of changes, whatever carries them."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

import httpx

from functions.tools.demo.server_clock import ServerClock
from functions.tools.demo.state import Message


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a client sits: at which service, in front of which session, with which clock."""

    url: str
    session_id: str
    http: httpx.AsyncClient
    clock: ServerClock


class Transport(Protocol):
    """One way for news to come."""

    @property
    def words(self) -> str:
        """What it is, as in "a press reached all five by ..."."""

    @property
    def speed(self) -> float:
        """How many times faster than it was played a game makes sense."""

    def follow(self, seat: Seat) -> AbstractAsyncContextManager[AsyncIterator[Message]]:
        """Everything that is told of a session, which need not exist yet, without end.

        The messages raise `DemoFailed` when the service is gone.
        """
