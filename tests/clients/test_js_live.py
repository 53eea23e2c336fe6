"""The JavaScript client against real servers: every transport, tokens, and what its README says."""

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
from shared.access.tokens import LEEWAY_S
from tests.clients.driving import JAVASCRIPT, Driver, driver
from tests.support import tokens
from tests.support.api import CERTIFICATES, ApiClient, api_client, chess
from tests.support.tokens import WITH_AUTHENTICATION, bearer

_LIBRARY = Path(__file__).parents[2] / "clients" / "js"
_OPEN = {"RATE_LIMIT_GENERAL": "0"}

KINDS = ["websocket", "sse", "polling"]


pytestmark = pytest.mark.usefixtures("javascript")


@pytest.fixture(scope="module")
def service(redis_url: str) -> Iterator[Instance]:
    """A service that lets everybody do everything."""
    with running(redis_url, **_OPEN) as instance:  # type: ignore[arg-type]
        yield instance


@pytest.fixture(scope="module")
def guarded() -> Iterator[Instance]:
    """One that asks for tokens."""
    settings: Any = {**WITH_AUTHENTICATION, **_OPEN}
    with embedded_redis() as redis_url, running(redis_url, **settings) as instance:
        yield instance


@pytest.fixture(scope="module")
def pushing(supabase_realtime: LocalRealtime) -> Iterator[Instance]:
    """One whose clients listen to Supabase Realtime."""
    settings: Any = {**WITH_AUTHENTICATION, **_OPEN, **supabase_realtime.settings()}
    with embedded_redis() as redis_url, running(redis_url, **settings) as instance:
        yield instance


@pytest.fixture
async def api(service: Instance) -> AsyncIterator[ApiClient]:
    """Somebody else who plays."""
    async with api_client(service.url) as api:
        yield api


@asynccontextmanager
async def _client(url: str, **options: str) -> AsyncIterator[Driver]:
    """A client of the service at `url`; what the runner reads is its first argument."""
    command = (*JAVASCRIPT, json.dumps({"baseUrl": url, **options}))
    async with driver(command, url) as client:
        yield client


async def _until(client: Driver, session_id: str, name: str, is_so: Callable[[Any], bool]) -> None:
    """Return when a report is as wanted, which events of that name are a reason to expect."""
    while True:
        seen = len(client.events(session_id, name))
        if is_so(await client.report(session_id)):
            return
        await client.until_event(session_id, name, seen + 1)


async def _live(client: Driver, session_id: str, transport: str) -> None:
    status = "polling" if transport == "polling" else "live"
    wanted = {"status": status, "transport": transport}
    await _until(client, session_id, "connection", lambda found: found["connection"] == wanted)


async def _until_version(client: Driver, session_id: str, version: int) -> None:
    await _until(client, session_id, "update", lambda found: found["version"] == version)


async def _until_refused(client: Driver, session_id: str) -> None:
    await _until(client, session_id, "connection", lambda found: found["presence"] == "refused")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_session_is_followed_from_the_lobby_to_its_deletion(
    service: Instance, api: ApiClient, kind: str
) -> None:
    session_id = str(uuid4())
    async with _client(service.url, transport=kind) as client:
        await client.opened(session_id)
        assert (await client.report(session_id))["presence"] == "absent"
        await api.create(chess(session_id=session_id))
        await _until_version(client, session_id, 1)
        await _live(client, session_id, kind)
        await api.do(session_id, "start")
        await client.do(session_id, "switch", {})
        await _until_version(client, session_id, 3)
        await api.delete(session_id)
        await client.until_event(session_id, "deleted", 1)
        assert (await client.report(session_id))["presence"] == "deleted"


@pytest.mark.parametrize("kind", KINDS)
async def test_what_it_shows_is_what_the_service_says(
    service: Instance, api: ApiClient, kind: str
) -> None:
    session_id = await api.started(chess())
    async with _client(service.url, transport=kind) as client:
        await client.opened(session_id)
        for _ in range(5):
            report = await client.report(session_id)
            state = await api.session(session_id)
            passed = state["server_time_ms"] - report["now"]
            for one in state["participants"]:
                shown = report["remaining"][one["participant_id"]]
                ran = passed if one["is_active"] else 0
                assert abs(shown - ran - one["time_remaining_ms"]) <= report["errorMs"] + 1


async def test_the_service_s_restart_is_survived(redis_url: str) -> None:
    port = free_port()
    with running(redis_url, port=port, **_OPEN) as first:  # type: ignore[arg-type]
        async with (
            httpx.AsyncClient(verify=CERTIFICATES, base_url=first.url) as http,
            _client(first.url) as client,
        ):
            api = ApiClient(http)
            session_id = await api.started(chess())
            await client.opened(session_id)
            await _live(client, session_id, "websocket")
            first.process.terminate()
            await asyncio.to_thread(first.process.wait)
            with running(redis_url, port=port, **_OPEN):  # type: ignore[arg-type]
                await api.do(session_id, "switch")
                await _until_version(client, session_id, 3)
                await _live(client, session_id, "websocket")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_token_that_is_good_for_nothing_is_refused(guarded: Instance, kind: str) -> None:
    session_id = str(uuid4())
    async with _client(guarded.url, transport=kind, token="nonsense") as client:
        opening = asyncio.create_task(client.opened(session_id))
        refused = await client.until(session_id, "refused", 1)
        opening.cancel()
        assert (refused["status"], refused["code"]) == (401, "UNAUTHENTICATED")
        await _until_refused(client, session_id)


@pytest.mark.parametrize("kind", KINDS)
async def test_one_whose_token_ends_is_turned_away_then(guarded: Instance, kind: str) -> None:
    headers = bearer(tokens.host())
    async with httpx.AsyncClient(
        verify=CERTIFICATES, base_url=guarded.url, headers=headers
    ) as http:
        session_id = await ApiClient(http).started(chess())
    brief = tokens.spectator(session_id, lifetime_s=2 - LEEWAY_S)  # good for two seconds yet
    async with _client(guarded.url, transport=kind, token=brief) as client:
        await client.opened(session_id)
        await _until_refused(client, session_id)


async def test_it_listens_to_supabase_with_the_token_from_the_service(
    pushing: Instance, supabase_realtime: LocalRealtime
) -> None:
    async with api_client(pushing.url, tokens.host()) as api:
        session_id = await api.started(chess())
        spectator = tokens.spectator(session_id)
        async with _client(pushing.url, token=spectator) as client:
            await client.opened(session_id)
            await _live(client, session_id, "supabase")
            await api.do(session_id, "switch")
            await _until_version(client, session_id, 3)
            seen = len(client.events(session_id, "connection"))
            supabase_realtime.mischief.drop_connections()
            await client.until_event(session_id, "connection", seen + 1)
            await api.do(session_id, "switch")
            await _until_version(client, session_id, 4)
            await _live(client, session_id, "supabase")
            await api.delete(session_id)
            await client.until_event(session_id, "deleted", 1)


async def test_a_page_of_another_origin_may_use_it(redis_url: str) -> None:
    origin = "https://app.example"
    with running(redis_url, CORS_ORIGINS=origin) as instance:
        async with httpx.AsyncClient(verify=CERTIFICATES, base_url=instance.url) as http:
            asked = {
                "Origin": origin,
                "Access-Control-Request-Method": "PATCH",
                "Access-Control-Request-Headers": (
                    "authorization,content-type,idempotency-key,if-match,if-none-match"
                ),
            }
            preflight = await http.options(f"/v1/sessions/{uuid4()}", headers=asked)
            answer = await http.get(f"/v1/sessions/{uuid4()}", headers={"Origin": origin})
    assert preflight.status_code == 200
    exposed = answer.headers["access-control-expose-headers"].lower()
    assert {"ratelimit-remaining", "retry-after"} <= set(re.split(r",\s*", exposed))


def test_what_the_readme_shows_runs(service: Instance) -> None:
    blocks = re.findall(r"```js\n(.*?)```", (_LIBRARY / "README.md").read_text(), re.S)
    assert len(blocks) == 2
    said = [_run(block, service.url) for block in blocks]
    assert re.search(r"^2 running \d+", said[0], re.M)
    assert re.search(r"^4 paused \d+", said[0], re.M)


def _run(block: str, url: str) -> str:
    library = (_LIBRARY / "synckairos.js").as_uri()
    script = block.replace('"synckairos"', f'"{library}"').replace("http://127.0.0.1:3000", url)
    command = ["node", "--input-type=module", "--eval", script]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
