"""Supabase's own unmodified clients, each in one channel and with the same interface."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from tests.fuzz.extent import IS_FULL
from tests.integration.realtime.client import Client
from tests.integration.realtime.js_client import JsClient
from tests.integration.realtime.python_client import PythonClient
from tests.support.target import IS_FUNCTIONS

CLIENT_KINDS = ("python", "supabase-js", "realtime-js 1.0.0", "realtime-js 2.0.0")
"""The clients, with the protocol version where there is a choice."""

ONE_CLIENT_PER_PROTOCOL = CLIENT_KINDS if IS_FULL else ("python", "realtime-js 2.0.0")
"""For rules of the server: one client for each protocol version."""

PUSH_CLIENTS = ONE_CLIENT_PER_PROTOCOL if IS_FUNCTIONS else CLIENT_KINDS
"""For pushes of the service. The container's run proves that every client receives them."""


@asynccontextmanager
async def joining(
    kind: str, subscription: Mapping[str, Any], *, private: bool = True
) -> AsyncIterator[Client]:
    """A client that has requested to join; its first `status` is the result."""
    is_python = kind == "python"
    client: Client = PythonClient(subscription) if is_python else JsClient(subscription, kind)
    try:
        await client.join(private=private)
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def subscribed(
    kind: str, subscription: Mapping[str, Any], *, private: bool = True
) -> AsyncIterator[Client]:
    """A client that has joined."""
    async with joining(kind, subscription, private=private) as client:
        report = await client.next("status")
        assert report["status"] == "SUBSCRIBED", report
        yield client
