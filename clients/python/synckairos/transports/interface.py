"""The interface of all transports, and their errors."""

from collections.abc import Callable
from typing import Protocol

from synckairos.api_types import Message, Subscription, TransportName
from synckairos.errors import SyncKairosError


class Disconnected(SyncKairosError):
    """The connection ended or failed; reconnecting may help."""

    def __init__(self, message: str, retry_after_ms: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_ms = retry_after_ms
        """The service's `Retry-After`, ms; 0 if it had none."""


class TimedOut(Disconnected):
    """The connection may be open, but no message arrives."""


class Rejected(SyncKairosError):
    """The transport rejected the caller with an HTTP status; a new token may help."""

    def __init__(self, status: int) -> None:
        super().__init__(f"Rejected with status {status}")
        self.status = status


class Listener(Protocol):
    """Receives a transport's messages."""

    def live(self) -> None:
        """Messages arrive from now on."""

    def message(self, message: Message) -> None:
        """A message arrived."""


class Transport(Protocol):
    """One connection to one session."""

    @property
    def kind(self) -> TransportName:
        """The kind of transport."""

    async def follow(self, listener: Listener) -> None:
        """Connect and report to `listener` until cancelled. Raises `Disconnected`, `Rejected`."""

    async def ping(self) -> None:
        """Ask for the newest version, if the transport can."""

    async def resync(self) -> None:
        """Ask for the whole state, if the transport can."""

    async def renew(self, subscription: Subscription) -> None:
        """Continue with the new token of `subscription`, if the transport can."""


MakeTransport = Callable[[Subscription], Transport]
