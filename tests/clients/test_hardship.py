"""A session of a service that has a bad day."""

import asyncio
from contextlib import suppress

import httpx
import pytest
from synckairos import ApiError, SyncKairos

from tests.clients.following import Watched
from tests.clients.scripted import ABSENT, ID, PATH, Scripted, failing, still


async def test_a_budget_that_a_proxy_wrote_over_does_not_stop_the_reads() -> None:
    service = Scripted()

    async def proxy(request: httpx.Request) -> httpx.Response | None:
        if not request.url.path.endswith(ID) or service.state != still(1):
            return None
        state = {"data": still(1)}
        return httpx.Response(200, json=state, headers={"RateLimit-Remaining": "99, 100, ?"})

    service.special = proxy
    async with service.client() as client:
        watched = Watched(client.session(ID))
        await watched.session.open()
        service.state = still(5)
        await watched.until_version(5)


async def test_a_read_that_fails_in_an_unforeseen_way_is_repeated() -> None:
    service = Scripted()
    reported: list[BaseException] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: reported.append(context["exception"])
    )
    async with service.client() as client:
        watched = Watched(client.session(ID))
        await watched.session.open()

        async def strange(request: httpx.Request) -> httpx.Response | None:
            if not request.url.path.endswith(ID):
                return None
            service.special = None
            return httpx.Response(200, json={"data": "strange"})

        service.special, service.state = strange, still(2)
        await watched.until_version(2)
    asyncio.get_running_loop().set_exception_handler(None)
    assert [type(error) for error in reported] == [TypeError]


async def test_a_token_function_that_fails_at_first_does_not_stop_the_clock() -> None:
    given = iter([None, None])

    def token() -> str:
        if next(given, "ok") is None:
            raise LookupError("no token today")
        return "ok"

    service = Scripted()
    async with service.client(token) as client, asyncio.timeout(5):
        session = client.session(ID)
        for _ in range(2):
            with pytest.raises(LookupError):
                await session.open()
            assert session.connection.status == "closed"
        assert await session.open()
        await client.clock.sync()
        assert client.clock.is_synced
        assert not [r for r in service.asked("/time") if "Authorization" in r.headers]


async def test_a_transport_that_turns_away_twice_is_done_without() -> None:
    service = Scripted()

    async def impossible(request: httpx.Request) -> httpx.Response | None:
        is_stream = request.url.path.endswith("/stream")
        return httpx.Response(403, text="<html>") if is_stream else None

    service.special = impossible
    async with service.client(transport="sse") as client:
        watched = Watched(client.session(ID))
        await watched.session.open()
        await watched.until_live("polling")
        service.state = still(2)
        await watched.until_version(2)
        assert len(service.asked("/stream")) == 2


async def test_a_stream_that_ends_with_its_token_is_the_end() -> None:
    service = Scripted()
    has_ended = False

    async def ends(request: httpx.Request) -> httpx.Response | None:
        nonlocal has_ended
        if request.url.path.endswith("/stream"):
            has_ended = True
            text = 'data: {"type": "CONNECTED"}\n\n'
            return httpx.Response(200, text=text, headers={"Content-Type": "text/event-stream"})
        return failing(401) if has_ended and request.url.path != "/v1/time" else None

    service.special = ends
    async with service.client(transport="sse") as client:
        watched = Watched(client.session(ID))
        with suppress(ApiError):
            await watched.session.open()
        await watched.until(lambda: watched.session.presence == "refused")
        assert watched.session.refusal
        assert watched.session.refusal.status == 401


@pytest.mark.parametrize("recommended", ["supabase", "websocket"])
async def test_a_stream_is_asked_for_with_the_token_that_is_good_for_it(recommended: str) -> None:
    service = Scripted()
    service.subscription = {"transport": recommended, "url": "x", "topic": "t"}
    if recommended == "supabase":
        service.subscription["token"] = "of Supabase"

    async def unavailable(request: httpx.Request) -> httpx.Response | None:
        return failing(503) if request.url.path.endswith("/stream") else None

    service.special = unavailable
    async with service.client("own", "sse") as client:
        watched = Watched(client.session(ID))
        await watched.session.open()
        await watched.until_live("polling")
    assert {r.headers["Authorization"] for r in service.asked("/stream")} == {"Bearer own"}


async def test_a_way_that_nobody_has_heard_of_is_done_without() -> None:
    service = Scripted()
    service.subscription = {"transport": "webtransport", "url": "x"}
    async with service.client() as client:
        watched = Watched(client.session(ID))
        await watched.session.open()
        await watched.until_live("polling")


async def test_one_token_is_asked_for_at_a_time() -> None:
    asked = 0

    async def token() -> str:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.01)
        return f"t{asked}"

    service = Scripted()
    valid = "Bearer t2"

    async def guarded(request: httpx.Request) -> httpx.Response | None:
        is_good = request.headers.get("Authorization") == valid
        return None if is_good or request.url.path == "/v1/time" else failing(401)

    service.special = guarded
    async with service.client(token) as client, asyncio.timeout(5):
        await asyncio.gather(*(client.session(f"{ID[:-1]}{i}").open() for i in range(5)))
    assert asked == 2


async def watched_for(seconds: float, service: Scripted, client: SyncKairos) -> int:
    """Open a session, and see how often anything is asked in that time."""
    session = client.session(ID)
    await session.open()
    before = len(service.asked(ID) + service.asked("/realtime"))
    await asyncio.sleep(seconds)
    return len(service.asked(ID) + service.asked("/realtime")) - before


async def test_a_lobby_is_looked_at_about_every_two_seconds() -> None:
    service = Scripted()
    service.state = None
    async with service.client() as client:
        assert await watched_for(4.7, service, client) <= 3
        service.state = still(1)
        watched = Watched(client.session(ID))
        await watched.until_version(1)
        await watched.until_live("polling")


async def test_nor_oftener_than_there_are_requests_for() -> None:
    service = Scripted()

    async def poor(request: httpx.Request) -> httpx.Response | None:
        is_ours = request.url.path.startswith(PATH)
        return failing(404, ABSENT, **{"RateLimit-Remaining": "3"}) if is_ours else None

    service.special = poor
    async with service.client() as client:
        assert await watched_for(2.9, service, client) <= 1


async def test_who_is_told_to_wait_before_asking_how_to_follow_waits() -> None:
    service = Scripted()

    async def busy(request: httpx.Request) -> httpx.Response | None:
        is_how = request.url.path.endswith("/realtime")
        return failing(429, **{"Retry-After": "30"}) if is_how else None

    service.special = busy
    async with service.client() as client:
        assert await client.session(ID).open()
        await asyncio.sleep(1.0)
        assert len(service.asked("/realtime")) == 1


@pytest.mark.parametrize("status", [429, 503])
async def test_a_read_that_is_refused_for_now_is_told_sat_out_and_repeated(status: int) -> None:
    service = Scripted()
    is_busy = True

    async def busy(request: httpx.Request) -> httpx.Response | None:
        is_ours = request.url.path.startswith(PATH)
        return failing(status, **{"Retry-After": "1"}) if is_ours and is_busy else None

    service.special = busy
    async with service.client() as client, asyncio.timeout(10):
        session = client.session(ID)
        opening = asyncio.create_task(session.open())
        while session.problem is None:
            await asyncio.sleep(0.01)
        assert session.problem.status == status
        assert session.problem.retry_after_s == 1
        asked = len(service.asked(ID))
        await asyncio.sleep(0.5)
        assert len(service.asked(ID)) == asked
        is_busy = False
        assert await opening
        assert session.problem is None
