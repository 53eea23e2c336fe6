"""The JavaScript client with real servers: transports, tokens, and its README's examples."""

import asyncio
import json
import re
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from synckairos import PresenceChanged

from infra.local.instance import Instance, running
from infra.local.ports import free_port
from infra.local.realtime import LocalRealtime
from shared.auth.claims import LEEWAY_S
from tests.clients.driving import JAVASCRIPT, Driver, driver
from tests.clients.following import followed_session
from tests.support import tokens
from tests.support.api import ApiClient, api_client, chess
from tests.support.prefix_proxy import prefix_proxy

_LIBRARY = Path(__file__).parents[2] / "clients" / "js"

_FALLBACKS = ["sse", "polling"]
"""The conformance scenarios use the other transports."""


pytestmark = pytest.mark.usefixtures("javascript")


@asynccontextmanager
async def _client(url: str, **options: str) -> AsyncIterator[Driver]:
    """Start a client of the service at `url`; the runner reads its first argument only."""
    command = (*JAVASCRIPT, json.dumps({"baseUrl": url, **options}))
    async with driver(command, url) as client:
        yield client


async def _wait_until(
    client: Driver, session_id: str, name: str, condition: Callable[[Any], bool]
) -> None:
    """Wait until `condition` holds for a report; check it after each event of that name."""
    while True:
        seen = len(client.events(session_id, name))
        if condition(await client.report(session_id)):
            return
        await client.until_event(session_id, name, seen + 1)


async def _wait_for_transport(client: Driver, session_id: str, transport: str) -> None:
    status = "polling" if transport == "polling" else "live"
    expected = {"status": status, "transport": transport}
    await _wait_until(
        client, session_id, "connection", lambda report: report["connection"] == expected
    )


async def _wait_for_version(client: Driver, session_id: str, version: int) -> None:
    await _wait_until(client, session_id, "update", lambda report: report["version"] == version)


async def _wait_for_refusal(client: Driver, session_id: str) -> None:
    await _wait_until(
        client, session_id, "connection", lambda report: report["existence"] == "refused"
    )


@pytest.mark.parametrize("kind", _FALLBACKS)
async def test_a_session_is_followed_from_before_its_creation_to_its_deletion(
    service: Instance, api: ApiClient, kind: str
) -> None:
    session_id = str(uuid4())
    async with _client(service.url, transport=kind) as client:
        await client.opened(session_id)
        assert (await client.report(session_id))["existence"] == "absent"
        await api.create(chess(session_id=session_id))
        await _wait_for_version(client, session_id, 1)
        await _wait_for_transport(client, session_id, kind)
        await api.do(session_id, "start")
        await client.do(session_id, "switch", {})
        await _wait_for_version(client, session_id, 3)
        await api.delete(session_id)
        await client.until_event(session_id, "deleted", 1)
        assert (await client.report(session_id))["existence"] == "deleted"


@pytest.mark.parametrize("kind", ["websocket", *_FALLBACKS])
async def test_a_service_below_a_path_works_with_every_transport(
    service: Instance, api: ApiClient, kind: str
) -> None:
    session_id = await api.created(chess())
    with prefix_proxy(service.port, "/sync") as url:
        async with _client(f"{url}/", transport=kind) as client:
            await client.opened(session_id)
            await _wait_for_transport(client, session_id, kind)
            await client.do(session_id, "start", {})
            await api.do(session_id, "switch")
            await _wait_for_version(client, session_id, 3)


async def test_the_client_reconnects_after_a_restart_of_the_service(redis_url: str) -> None:
    port = free_port()
    with ExitStack() as first:
        url = first.enter_context(running(redis_url, port=port)).url
        async with api_client(url) as api, _client(url) as client:
            session_id = await api.started(chess())
            await client.opened(session_id)
            await _wait_for_transport(client, session_id, "websocket")
            await asyncio.to_thread(first.close)
            with running(redis_url, port=port):
                await api.do(session_id, "switch")
                await _wait_for_version(client, session_id, 3)
                await _wait_for_transport(client, session_id, "websocket")


async def test_an_invalid_token_is_refused(service_with_authentication: Instance) -> None:
    session_id = str(uuid4())
    async with _client(service_with_authentication.url, token="nonsense") as client:
        opening = asyncio.create_task(client.opened(session_id))
        refused = await client.wait_for_line(session_id, "refused", 1)
        opening.cancel()
        assert (refused["status"], refused["code"]) == (401, "UNAUTHENTICATED")
        await _wait_for_refusal(client, session_id)


async def test_a_client_is_refused_when_its_token_expires(
    service_with_authentication: Instance, host: ApiClient
) -> None:
    session_id = await host.started(chess())
    token = tokens.spectator(session_id, lifetime_s=4 - LEEWAY_S)  # valid for four more seconds
    async with _client(service_with_authentication.url, token=token) as client:
        await client.opened(session_id)
        await _wait_for_refusal(client, session_id)


async def test_the_client_follows_supabase_with_the_token_from_the_service(
    service_with_supabase: Instance, supabase_realtime: LocalRealtime
) -> None:
    async with api_client(service_with_supabase.url, tokens.host()) as api:
        session_id = await api.started(chess())
        spectator = tokens.spectator(session_id)
        async with _client(service_with_supabase.url, token=spectator) as client:
            await client.opened(session_id)
            await _wait_for_transport(client, session_id, "supabase")
            await api.do(session_id, "switch")
            await _wait_for_version(client, session_id, 3)
            seen = len(client.events(session_id, "connection"))
            supabase_realtime.faults.drop_connections()
            await client.until_event(session_id, "connection", seen + 1)
            await api.do(session_id, "switch")
            await _wait_for_version(client, session_id, 4)
            await _wait_for_transport(client, session_id, "supabase")
            await api.delete(session_id)
            await client.until_event(session_id, "deleted", 1)


async def test_the_presence_at_supabase_is_read_across_languages(
    service_with_supabase: Instance,
) -> None:
    url = service_with_supabase.url
    async with api_client(url, tokens.host()) as api:
        session_id = await api.created(chess())
    async with (
        _client(url, token=tokens.cohost(session_id)) as client,
        followed_session(url, session_id, token=tokens.host()) as host,
        followed_session(url, session_id, token=tokens.spectator(session_id)),
    ):
        await host.session.open(presence=True)
        await client.opened(session_id, presence=True)
        roles = {"service": 0, "host": 1, "cohost": 1, "participant": 0, "spectator": 1}

        def seen() -> list[Any]:
            events = (one for one in host.events if isinstance(one, PresenceChanged))
            return [one.presence["summary"]["roles"] for one in events]

        await host.wait_until(lambda: roles in seen())

        def reported() -> list[Any]:
            events = client.events(session_id, "presence")
            return [one["detail"]["roles"] for one in events]

        while roles not in reported():
            await client.until_event(session_id, "presence", len(reported()) + 1)


def test_the_readmes_examples_run(service: Instance) -> None:
    blocks = re.findall(r"```js\n(.*?)```", (_LIBRARY / "README.md").read_text(), re.S)
    assert len(blocks) == 4
    outputs = [_run(block, service.url) for block in blocks]
    assert re.search(r"^2 running \d+", outputs[0], re.M)
    assert re.search(r"^4 paused \d+", outputs[0], re.M)
    assert outputs[1] == "400 INVALID_STATE_TRANSITION\n"
    assert outputs[2] == "7000\n"


def _run(block: str, url: str) -> str:
    library = (_LIBRARY / "synckairos.js").as_uri()
    script = block.replace('"synckairos"', f'"{library}"').replace("http://127.0.0.1:3000", url)
    command = ["node", "--input-type=module", "--eval", script]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
