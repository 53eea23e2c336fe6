"""Supabase's own clients, unmodified, each in one channel; what happens to them is told alike."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from tests.fuzz.extent import IS_FULL
from tests.integration.realtime.client import Client
from tests.integration.realtime.js_client import JsClient
from tests.integration.realtime.python_client import PythonClient
from tests.support.target import IS_FUNCTIONS

KINDS = ("python", "supabase-js", "realtime-js 1.0.0", "realtime-js 2.0.0")
"""The clients, and which version of the protocol they speak where there is a choice."""

BOTH_PROTOCOLS = KINDS if IS_FULL else ("python", "realtime-js 2.0.0")
"""For what the server decides and not the client: one client for each version of the protocol."""

HEARING = BOTH_PROTOCOLS if IS_FUNCTIONS else KINDS
"""For what the service pushes: the container proves that each client hears it."""


@asynccontextmanager
async def asking(
    kind: str,
    subscription: Mapping[str, Any],
    *,
    private: bool = True,
    presence: bool = False,
) -> AsyncIterator[Client]:
    """A client that has asked to be let in; what it was told is its first `status`."""
    is_python = kind == "python"
    client: Client = PythonClient(subscription) if is_python else JsClient(subscription, kind)
    try:
        await client.join(private=private, presence=presence)
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def following(
    kind: str, subscription: Mapping[str, Any], *, private: bool = True, presence: bool = False
) -> AsyncIterator[Client]:
    """A client that is in."""
    async with asking(kind, subscription, private=private, presence=presence) as client:
        told = await client.next("status")
        assert told["status"] == "SUBSCRIBED", told
        yield client
