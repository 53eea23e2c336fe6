"""The JavaScript client with real servers: transports, tokens, CORS, and its README's examples."""

import asyncio
import json
import re
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from infra.local.instance import Instance, running
from infra.local.ports import free_port
from infra.local.realtime import LocalRealtime
from infra.local.redis import embedded_redis
from shared.auth.tokens import LEEWAY_S
from tests.clients.driving import JAVASCRIPT, Driver, driver
from tests.support import tokens
from tests.support.api import CERTIFICATES, ApiClient, api_client, chess
from tests.support.tokens import WITH_AUTHENTICATION, bearer

_LIBRARY = Path(__file__).parents[2] / "clients" / "js"
_UNLIMITED = {"RATE_LIMIT_GENERAL": "0"}

KINDS = ["websocket", "sse", "polling"]


pytestmark = pytest.mark.usefixtures("javascript")


@pytest.fixture(scope="module")
def service(redis_url: str) -> Iterator[Instance]:
    """A service without authentication."""
    with running(redis_url, **_UNLIMITED) as instance:  # type: ignore[arg-type]
        yield instance


@pytest.fixture(scope="module")
def with_authentication() -> Iterator[Instance]:
    """A service that requires tokens."""
    settings: Any = {**WITH_AUTHENTICATION, **_UNLIMITED}
    with embedded_redis() as redis_url, running(redis_url, **settings) as instance:
        yield instance


@pytest.fixture(scope="module")
def service_with_supabase(supabase_realtime: LocalRealtime) -> Iterator[Instance]:
    """A service that requires tokens and pushes to Supabase Realtime."""
    settings: Any = {**WITH_AUTHENTICATION, **_UNLIMITED, **supabase_realtime.settings()}
    with embedded_redis() as redis_url, running(redis_url, **settings) as instance:
        yield instance


@pytest.fixture
async def api(service: Instance) -> AsyncIterator[ApiClient]:
    """Another caller."""
    async with api_client(service.url) as api:
        yield api


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
        client, session_id, "connection", lambda report: report["presence"] == "refused"
    )


@pytest.mark.parametrize("kind", KINDS)
async def test_a_session_is_followed_from_before_its_creation_to_its_deletion(
    service: Instance, api: ApiClient, kind: str
) -> None:
    session_id = str(uuid4())
    async with _client(service.url, transport=kind) as client:
        await client.opened(session_id)
        assert (await client.report(session_id))["presence"] == "absent"
        await api.create(chess(session_id=session_id))
        await _wait_for_version(client, session_id, 1)
        await _wait_for_transport(client, session_id, kind)
        await api.do(session_id, "start")
        await client.do(session_id, "switch", {})
        await _wait_for_version(client, session_id, 3)
        await api.delete(session_id)
        await client.until_event(session_id, "deleted", 1)
        assert (await client.report(session_id))["presence"] == "deleted"


@pytest.mark.parametrize("kind", KINDS)
async def test_the_clocks_equal_those_of_the_service(
    service: Instance, api: ApiClient, kind: str
) -> None:
    session_id = await api.started(chess())
    async with _client(service.url, transport=kind) as client:
        await client.opened(session_id)
        for _ in range(5):
            report = await client.report(session_id)
            state = await api.session(session_id)
            elapsed = state["server_time_ms"] - report["now"]
            for one in state["participants"]:
                shown = report["remaining"][one["participant_id"]]
                ran = elapsed if one["is_active"] else 0
                assert abs(shown - ran - one["time_remaining_ms"]) <= report["errorMs"] + 1


async def test_the_client_reconnects_after_a_restart_of_the_service(redis_url: str) -> None:
    port = free_port()
    with running(redis_url, port=port, **_UNLIMITED) as first:  # type: ignore[arg-type]
        async with (
            httpx.AsyncClient(verify=CERTIFICATES, base_url=first.url) as http,
            _client(first.url) as client,
        ):
            api = ApiClient(http)
            session_id = await api.started(chess())
            await client.opened(session_id)
            await _wait_for_transport(client, session_id, "websocket")
            first.process.terminate()
            await asyncio.to_thread(first.process.wait)
            with running(redis_url, port=port, **_UNLIMITED):  # type: ignore[arg-type]
                await api.do(session_id, "switch")
                await _wait_for_version(client, session_id, 3)
                await _wait_for_transport(client, session_id, "websocket")


@pytest.mark.parametrize("kind", KINDS)
async def test_an_invalid_token_is_refused(with_authentication: Instance, kind: str) -> None:
    session_id = str(uuid4())
    async with _client(with_authentication.url, transport=kind, token="nonsense") as client:
        opening = asyncio.create_task(client.opened(session_id))
        refused = await client.wait_for_line(session_id, "refused", 1)
        opening.cancel()
        assert (refused["status"], refused["code"]) == (401, "UNAUTHENTICATED")
        await _wait_for_refusal(client, session_id)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_client_is_refused_when_its_token_expires(
    with_authentication: Instance, kind: str
) -> None:
    headers = bearer(tokens.host())
    async with httpx.AsyncClient(
        verify=CERTIFICATES, base_url=with_authentication.url, headers=headers
    ) as http:
        session_id = await ApiClient(http).started(chess())
    token = tokens.spectator(session_id, lifetime_s=2 - LEEWAY_S)  # valid for two more seconds
    async with _client(with_authentication.url, transport=kind, token=token) as client:
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
            supabase_realtime.mischief.drop_connections()
            await client.until_event(session_id, "connection", seen + 1)
            await api.do(session_id, "switch")
            await _wait_for_version(client, session_id, 4)
            await _wait_for_transport(client, session_id, "supabase")
            await api.delete(session_id)
            await client.until_event(session_id, "deleted", 1)


async def test_cors_allows_the_clients_requests_and_exposes_its_headers(redis_url: str) -> None:
    origin = "https://app.example"
    with running(redis_url, CORS_ORIGINS=origin) as instance:
        async with httpx.AsyncClient(verify=CERTIFICATES, base_url=instance.url) as http:
            request_headers = {
                "Origin": origin,
                "Access-Control-Request-Method": "PATCH",
                "Access-Control-Request-Headers": (
                    "authorization,content-type,idempotency-key,if-match,if-none-match"
                ),
            }
            preflight = await http.options(f"/v1/sessions/{uuid4()}", headers=request_headers)
            answer = await http.get(f"/v1/sessions/{uuid4()}", headers={"Origin": origin})
    assert preflight.status_code == 200
    exposed = answer.headers["access-control-expose-headers"].lower()
    assert {"ratelimit-remaining", "retry-after"} <= set(re.split(r",\s*", exposed))


def test_the_readmes_examples_run(service: Instance) -> None:
    blocks = re.findall(r"```js\n(.*?)```", (_LIBRARY / "README.md").read_text(), re.S)
    assert len(blocks) == 2
    outputs = [_run(block, service.url) for block in blocks]
    assert re.search(r"^2 running \d+", outputs[0], re.M)
    assert re.search(r"^4 paused \d+", outputs[0], re.M)


def _run(block: str, url: str) -> str:
    library = (_LIBRARY / "synckairos.js").as_uri()
    script = block.replace('"synckairos"', f'"{library}"').replace("http://127.0.0.1:3000", url)
    command = ["node", "--input-type=module", "--eval", script]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
