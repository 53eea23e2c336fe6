"""How long a client waits for a transport to connect, and for the next attempt."""

import asyncio
from typing import get_args

import pytest
from synckairos.api_types import Subscription, TransportName
from synckairos.attempt import Attempt
from synckairos.transports.interface import Disconnected, Listener, TimedOut

from tests.clients import virtual

_SUBSCRIPTION: Subscription = {"transport": "polling", "url": "x"}


class FakeTransport:
    """A transport that ends with `error`, or never connects."""

    def __init__(self, kind: TransportName, error: Exception | None = None) -> None:
        self.kind = kind
        self._error = error

    async def follow(self, listener: Listener) -> None:
        """See `Transport`."""
        if self._error:
            raise self._error
        await asyncio.get_running_loop().create_future()

    async def ping(self) -> None:
        """See `Transport`."""

    async def resync(self) -> None:
        """See `Transport`."""

    async def renew(self, subscription: Subscription) -> None:
        """See `Transport`."""


def _attempt(transport: FakeTransport) -> Attempt:
    return Attempt(transport, _SUBSCRIPTION, lambda message: None)


@pytest.mark.parametrize("kind", get_args(TransportName))
def test_connecting_times_out_after_3_s_and_6_s_for_supabase(kind: TransportName) -> None:
    async def wait() -> None:
        attempt = _attempt(FakeTransport(kind))
        with pytest.raises(TimedOut):
            await attempt.wait_live()
        assert virtual.now_ms() == pytest.approx(6_000 if kind == "supabase" else 3_000)
        await attempt.close()

    virtual.run(wait())


def test_a_delay_demanded_by_the_service_is_known_after_the_end() -> None:
    async def end() -> None:
        attempt = _attempt(FakeTransport("sse", Disconnected("busy", retry_after_ms=7_000)))
        assert attempt.retry_after_ms == 0
        with pytest.raises(Disconnected):
            await attempt.wait_live()
        assert attempt.retry_after_ms == 7_000

    virtual.run(end())
