"""What every transport is."""

from collections.abc import Callable
from typing import Protocol

from synckairos.errors import SyncKairosError
from synckairos.states import Kind, Message, Subscription


class Down(SyncKairosError):
    """The connection has ended, or never was; coming back may help."""

    def __init__(self, message: str, retry_after_ms: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_ms = retry_after_ms
        """How long the service asks to be left alone."""


class Silent(Down):
    """It may be open, but nothing comes through."""


class Turned(SyncKairosError):
    """The caller was turned away, with an HTTP status; a fresh token may help."""

    def __init__(self, status: int) -> None:
        super().__init__(f"Turned away with {status}")
        self.status = status


class Hearer(Protocol):
    """Who listens to a transport."""

    def live(self) -> None:
        """Messages come from now on."""

    def message(self, message: Message) -> None:
        """One came."""


class Transport(Protocol):
    """One connection to one session."""

    @property
    def kind(self) -> Kind:
        """Which way it is."""

    async def follow(self, hearer: Hearer) -> None:
        """Connect, and report to `hearer` until cancelled. Raises `Down` and `Turned`."""

    async def ping(self) -> None:
        """Ask which version is the newest, where the transport can."""

    async def resync(self) -> None:
        """Ask for the whole state, likewise."""

    async def renew(self, subscription: Subscription) -> None:
        """Go on with the fresh token of `subscription`."""


MakeTransport = Callable[[Subscription], Transport]
