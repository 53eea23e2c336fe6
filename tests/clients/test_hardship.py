"""How the Python client handles errors of the service, of proxies and of token functions.

All tests run in virtual time.
"""

import asyncio
from contextlib import suppress

import httpx
import pytest
from synckairos import ApiError, SyncKairos, Unreachable

from tests.clients.following import RecordedSession
from tests.clients.scripted import (
    NOT_FOUND,
    SESSION_ID,
    SESSION_PATH,
    FakeService,
    Override,
    error_response,
    paused_state,
)
from tests.support.virtual_time import Time, in_virtual_time

pytestmark = in_virtual_time


@pytest.fixture(autouse=True)
def _virtual_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("synckairos.platform", "synckairos.api", "tests.clients.scripted"):
        monkeypatch.setattr(f"{module}.time", Time)


async def test_an_invalid_rate_limit_header_of_a_proxy_does_not_stop_the_reads() -> None:
    service = FakeService()

    async def proxy(request: httpx.Request) -> httpx.Response | None:
        if not request.url.path.endswith(SESSION_ID) or service.state != paused_state(1):
            return None
        state = {"data": paused_state(1)}
        return httpx.Response(200, json=state, headers={"RateLimit-Remaining": "99, 100, ?"})

    service.override = proxy
    async with service.client() as client:
        recorded = RecordedSession(client.session(SESSION_ID))
        await recorded.session.open()
        service.state = paused_state(5)
        await recorded.wait_for_version(5)


async def test_a_read_with_an_unexpected_error_is_reported_and_repeated() -> None:
    service = FakeService()
    reported: list[BaseException] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: reported.append(context["exception"])
    )
    async with service.client() as client:
        recorded = RecordedSession(client.session(SESSION_ID))
        await recorded.session.open()

        async def invalid_state(request: httpx.Request) -> httpx.Response | None:
            if not request.url.path.endswith(SESSION_ID):
                return None
            service.override = None
            return httpx.Response(200, json={"data": "invalid"})

        service.override, service.state = invalid_state, paused_state(2)
        await recorded.wait_for_version(2)
    asyncio.get_running_loop().set_exception_handler(None)
    assert [type(error) for error in reported] == [TypeError]


async def test_a_failing_token_function_does_not_stop_the_clock() -> None:
    failures = iter([None, None])

    def token() -> str:
        if next(failures, "ok") is None:
            raise LookupError("no token")
        return "ok"

    service = FakeService()
    async with service.client(token) as client, asyncio.timeout(5):
        session = client.session(SESSION_ID)
        for _ in range(2):
            with pytest.raises(LookupError):
                await session.open()
            assert session.connection.status == "closed"
        assert await session.open()
        await client.clock.sync()
        assert client.clock.is_synced
        assert not [r for r in service.requests_to("/time") if "Authorization" in r.headers]


async def test_a_transport_that_rejects_twice_is_replaced_by_polling() -> None:
    service = FakeService()

    async def reject_stream(request: httpx.Request) -> httpx.Response | None:
        is_stream = request.url.path.endswith("/stream")
        return httpx.Response(403, text="<html>") if is_stream else None

    service.override = reject_stream
    async with service.client(transport="sse") as client:
        recorded = RecordedSession(client.session(SESSION_ID))
        await recorded.session.open()
        await recorded.wait_for_transport("polling")
        service.state = paused_state(2)
        await recorded.wait_for_version(2)
        assert len(service.requests_to("/stream")) == 2


async def test_a_stream_that_ends_with_an_expired_token_refuses_the_session() -> None:
    service = FakeService()
    has_ended = False

    async def end_stream(request: httpx.Request) -> httpx.Response | None:
        nonlocal has_ended
        if request.url.path.endswith("/stream"):
            has_ended = True
            text = 'data: {"type": "CONNECTED"}\n\n'
            return httpx.Response(200, text=text, headers={"Content-Type": "text/event-stream"})
        return error_response(401) if has_ended and request.url.path != "/v1/time" else None

    service.override = end_stream
    async with service.client(transport="sse") as client:
        recorded = RecordedSession(client.session(SESSION_ID))
        with suppress(ApiError):
            await recorded.session.open()
        await recorded.wait_until(lambda: recorded.session.existence == "refused")
        assert recorded.session.refusal
        assert recorded.session.refusal.status == 401


@pytest.mark.parametrize("recommended", ["supabase", "websocket"])
async def test_a_stream_is_requested_with_the_callers_token(recommended: str) -> None:
    service = FakeService()
    service.subscription = {"transport": recommended, "url": "x", "topic": "t"}
    if recommended == "supabase":
        service.subscription["token"] = "Supabase's"

    async def unavailable(request: httpx.Request) -> httpx.Response | None:
        return error_response(503) if request.url.path.endswith("/stream") else None

    service.override = unavailable
    async with service.client("own", "sse") as client:
        recorded = RecordedSession(client.session(SESSION_ID))
        await recorded.session.open()
        await recorded.wait_for_transport("polling")
    assert {r.headers["Authorization"] for r in service.requests_to("/stream")} == {"Bearer own"}


async def test_an_unknown_transport_is_replaced_by_polling() -> None:
    service = FakeService()
    service.subscription = {"transport": "webtransport", "url": "x"}
    async with service.client() as client:
        recorded = RecordedSession(client.session(SESSION_ID))
        await recorded.session.open()
        await recorded.wait_for_transport("polling")


async def test_concurrent_sessions_request_one_new_token() -> None:
    calls = 0

    async def token() -> str:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0.01)
        return f"t{calls}"

    service = FakeService()
    valid = "Bearer t2"

    async def require_token(request: httpx.Request) -> httpx.Response | None:
        is_valid = request.headers.get("Authorization") == valid
        return None if is_valid or request.url.path == "/v1/time" else error_response(401)

    service.override = require_token
    async with service.client(token) as client, asyncio.timeout(5):
        await asyncio.gather(*(client.session(f"{SESSION_ID[:-1]}{i}").open() for i in range(5)))
    assert calls == 2


async def requests_within(seconds: float, service: FakeService, client: SyncKairos) -> int:
    """Open a session; return the number of its requests in the time after that."""
    session = client.session(SESSION_ID)
    await session.open()
    before = len(service.requests_to(SESSION_ID) + service.requests_to("/realtime"))
    await asyncio.sleep(seconds)
    return len(service.requests_to(SESSION_ID) + service.requests_to("/realtime")) - before


async def test_an_absent_session_is_polled_about_every_two_seconds() -> None:
    service = FakeService()
    service.state = None
    async with service.client() as client:
        assert await requests_within(4.7, service, client) <= 3
        service.state = paused_state(1)
        recorded = RecordedSession(client.session(SESSION_ID))
        await recorded.wait_for_version(1)
        await recorded.wait_for_transport("polling")


async def test_an_absent_session_is_polled_less_often_if_the_rate_limit_is_almost_used_up() -> None:
    service = FakeService()

    async def almost_limited(request: httpx.Request) -> httpx.Response | None:
        is_session = request.url.path.startswith(SESSION_PATH)
        return (
            error_response(404, NOT_FOUND, **{"RateLimit-Remaining": "3"}) if is_session else None
        )

    service.override = almost_limited
    async with service.client() as client:
        assert await requests_within(2.9, service, client) <= 1


async def test_retry_after_of_the_subscription_request_is_respected() -> None:
    service = FakeService()

    async def busy(request: httpx.Request) -> httpx.Response | None:
        is_subscription = request.url.path.endswith("/realtime")
        return error_response(429, **{"Retry-After": "30"}) if is_subscription else None

    service.override = busy
    async with service.client() as client:
        assert await client.session(SESSION_ID).open()
        await asyncio.sleep(1.0)
        assert len(service.requests_to("/realtime")) == 1


@pytest.mark.parametrize("status", [429, 503])
async def test_a_temporary_refusal_is_the_sessions_problem_until_a_later_read_succeeds(
    status: int,
) -> None:
    service = FakeService()
    is_busy = True

    async def busy(request: httpx.Request) -> httpx.Response | None:
        is_session = request.url.path.startswith(SESSION_PATH)
        return error_response(status, **{"Retry-After": "1"}) if is_session and is_busy else None

    service.override = busy
    async with service.client() as client, asyncio.timeout(10):
        session = client.session(SESSION_ID)
        opening = asyncio.create_task(session.open())
        while session.problem is None:
            await asyncio.sleep(0.01)
        assert session.problem.status == status
        assert session.problem.retry_after_s == 1
        reads = len(service.requests_to(SESSION_ID))
        await asyncio.sleep(0.5)
        assert len(service.requests_to(SESSION_ID)) == reads
        is_busy = False
        assert await opening
        assert session.problem is None


async def hang(_: httpx.Request) -> httpx.Response | None:
    """Never answer."""
    return await asyncio.Event().wait() and None


async def refuse_to_connect(request: httpx.Request) -> httpx.Response | None:
    """Fail as if no server listened."""
    raise httpx.ConnectError("Connection refused", request=request)


async def answer_as_another_server(_: httpx.Request) -> httpx.Response | None:
    """Answer as a server does that knows nothing of the API."""
    return httpx.Response(200, text="<p>Hi</p>")


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        (hang, "no answer within 5 s"),
        (refuse_to_connect, "Connection refused"),
        (answer_as_another_server, "another server answered with status 200"),
    ],
)
async def test_open_raises_address_and_reason_without_an_answer_and_can_be_repeated(
    override: Override, reason: str
) -> None:
    service = FakeService()
    service.override = override
    async with service.client() as client:
        session = client.session(SESSION_ID)
        with pytest.raises(Unreachable, match=f"at http://service: {reason}$"):
            await session.open()
        assert (session.existence, session.connection.status) == ("unknown", "connecting")
        service.override = None
        assert await session.open()
        assert await session.open()
