"""Opening and closing sessions of the Python client when the service or a callback fails."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any

import httpx
import pytest
from synckairos import ApiError, SyncKairos
from synckairos.api import Token
from synckairos.clock import ServerClock
from synckairos.platform import Platform, monotonic_ms

from tests.clients.states import ADA, T0, session_state

_ID = "5a7f9a52-6a2c-4d0c-9a38-0f1f4c3b7d10"
_PATH = f"/v1/sessions/{_ID}"

Reply = Callable[[httpx.Request], httpx.Response]


def client(reply: Reply, token: Token = None) -> SyncKairos:
    """Return a client of a service that responds with `reply`."""
    http = httpx.AsyncClient(transport=httpx.MockTransport(reply))
    return SyncKairos("http://service", token, http=http)


def refused(status: int) -> httpx.Response:
    """Return an error of the service."""
    return httpx.Response(status, json={"error": {"code": "X", "message": "No"}})


async def test_a_refused_read_stops_all_requests() -> None:
    paths: list[str] = []

    def reply(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        if request.url.path.endswith("/realtime"):
            return httpx.Response(200, json={"data": {"transport": "polling", "url": "x"}})
        return refused(403)

    async with client(reply) as service:
        session = service.session(_ID)
        with pytest.raises(ApiError):
            await session.open()
        assert (session.existence, session.connection.status) == ("refused", "closed")
        assert session.refusal
        assert session.refusal.status == 403
        reads = paths.count(_PATH)
        connecting = session._follower._connecting
        assert connecting
        await asyncio.wait([connecting], timeout=30)
        assert connecting.done()
        assert paths.count(_PATH) == reads


async def test_open_raises_the_error_of_the_token_function() -> None:
    def token() -> str:
        raise LookupError("no token")

    async with client(lambda _: refused(500), token) as service:
        with pytest.raises(LookupError, match="no token"):
            await service.session(_ID).open()


async def test_closing_a_session_ends_its_opening() -> None:
    async with client(lambda _: refused(503)) as service:
        session = service.session(_ID)
        opening = asyncio.create_task(session.open())
        await asyncio.sleep(0)
        await session.close()
        assert await opening is None


async def test_a_failing_callback_is_reported_and_does_not_stop_other_callbacks() -> None:
    reported: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: reported.append(context["message"]))
    existences: list[str] = []

    def fail(_: object) -> None:
        raise ValueError

    async with client(lambda _: refused(403)) as service:
        session = service.session(_ID)
        session.on("connection", fail)
        session.on("connection", lambda event: existences.append(event.existence))
        with pytest.raises(ApiError):
            await session.open()
    loop.set_exception_handler(None)
    assert "refused" in existences
    assert set(reported) == {"A callback of 'connection' failed"}


@pytest.mark.parametrize("is_open", [True, False])
@pytest.mark.parametrize("hours_ahead", [-3, 3])
async def test_a_wall_clock_that_is_three_hours_off_does_not_change_the_shown_time(
    hours_ahead: int, is_open: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = T0 + hours_ahead * 3_600_000
    state = session_state(session_id=_ID, server_time_ms=T0 + 4_000)

    def reply(request: httpx.Request) -> httpx.Response:
        if request.url.path in (_PATH, "/v1/sessions"):
            return httpx.Response(200, json={"data": state})
        return refused(503)  # /v1/time has no answer

    async with client(reply) as service:
        local = Platform(monotonic=monotonic_ms, wall=lambda: wall + monotonic_ms())
        monkeypatch.setattr(service, "clock", ServerClock(service._api.time_ms, local))
        session = service.session(_ID) if is_open else await service.create({})
        if is_open:
            await session.open()
        shown = session.remaining(ADA)
        assert shown
        assert 9_000 < shown <= 10_000
        assert service.clock.error_ms == float("inf")


async def test_the_clock_of_a_test_session_is_ahead_of_the_servers_clock() -> None:
    hour = 3_600_000
    state = session_state(session_id=_ID, server_time_ms=T0 + hour)
    state["advanced_ms"] = hour

    def reply(request: httpx.Request) -> httpx.Response:
        is_time = request.url.path == "/v1/time"
        return refused(503) if is_time else httpx.Response(200, json={"data": state})

    async with client(reply) as service:
        session = await service.create({})
        server_now = service.clock.now()
        assert T0 <= server_now < session.clock.now() - hour + 1_000
        assert session.clock.server is service.clock
        assert T0 + hour <= session.clock.now()
        assert session.remaining(ADA, T0 + hour + 4_000) == 6_000
        shown = session.remaining(ADA)
        assert shown is not None
        assert 9_000 < shown <= 10_000


@pytest.mark.parametrize(
    ("how", "body"),
    [
        ({"ms": 5_000}, {"ms": 5_000}),
        ({"to": 1_700_000_000_000}, {"to": "2023-11-14T22:13:20.000Z"}),
        ({}, {"until": "next"}),
    ],
)
async def test_an_advance_says_how_far(how: dict[str, Any], body: Any) -> None:
    bodies: list[Any] = []

    def reply(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        return httpx.Response(200, json={"data": session_state(session_id=_ID)})

    async with client(reply) as service:
        await service.session(_ID).advance(**how)
    assert bodies == [body]


async def test_the_same_id_returns_the_same_session_object_until_it_is_closed() -> None:
    async with client(lambda _: refused(503)) as service:
        session = service.session(_ID.upper())
        assert service.session(_ID) is session
        await session.close()
        assert service.session(_ID) is not session


async def test_the_id_of_a_participant_is_encoded_in_the_path() -> None:
    paths: list[bytes] = []

    def reply(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.raw_path)
        return refused(404)

    async with client(reply) as service:
        for participant_id in ("a/b? ü%", "%2F", "..\N{THUMBS UP SIGN}"):
            with pytest.raises(ApiError):
                await service.session(_ID).adjust(participant_id, 5_000)
    ids = [path.decode().removeprefix(f"{_PATH}/participants/") for path in paths]
    assert ids == ["a%2Fb%3F%20%C3%BC%25", "%252F", "..%F0%9F%91%8D"]


async def test_a_preview_asks_for_a_dry_run_and_leaves_the_state_as_it_is() -> None:
    asked: list[tuple[str, str]] = []
    state = session_state(session_id=_ID)

    def reply(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, request.url.raw_path.decode()))
        later = {**state, "version": state["version"] + 1, "status": "paused"}
        return httpx.Response(200, json={"data": later if "dry_run" in asked[-1][1] else state})

    async with client(reply) as service:
        assert (await service.preview_create({}))["version"] == state["version"] + 1
        session = await service.create({})
        asked.clear()
        assert (await session.preview.pause(if_match=1))["status"] == "paused"
        await session.preview.switch()
        await session.preview.delete()
        assert session.state == state
    query = "?dry_run=true"
    assert asked == [
        ("POST", f"{_PATH}/pause{query}"),
        ("POST", f"{_PATH}/switch{query}"),
        ("DELETE", f"{_PATH}{query}"),
    ]


@pytest.mark.parametrize("is_synced", [True, False])
@pytest.mark.parametrize("has_lag", [True, False])
async def test_a_switch_claims_its_lag_if_the_session_compensates_it_and_the_time_is_known(
    has_lag: bool, is_synced: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies: list[Any] = []
    state = session_state(session_id=_ID)
    if has_lag:
        state["lag"] = {}

    def reply(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/switch"):
            bodies.append(json.loads(request.content))
            return httpx.Response(200, json={"data": {"version": 2}})
        return httpx.Response(200, json={"data": state})

    async with client(reply) as service:
        session = await service.create({})
        monkeypatch.setattr(session, "clock", FixedClock(T0 + 0.2, 3.5 if is_synced else inf))
        await session.switch(current=ADA)
        await session.switch(acted_at=T0 - 100.5)
        await session.switch(frame_lag_ms=30.2)
    error = {"error_ms": 4}
    claims = [{"acted_at_ms": T0 + 1} | error, {"acted_at_ms": T0 - 100} | error]
    expected = claims if has_lag and is_synced else [{}, {}]
    frame_lag = {"frame_lag_ms": 31} if has_lag else {}
    assert bodies == [
        {"current_participant_id": ADA} | expected[0],
        expected[1],
        (claims[0] if has_lag and is_synced else {}) | frame_lag,
    ]


async def test_a_switch_with_representation_answers_the_state() -> None:
    preferences: list[str | None] = []
    state = session_state(session_id=_ID)
    later = {**state, "version": state["version"] + 1}

    def reply(request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/switch"):
            return httpx.Response(200, json={"data": state})
        preferences.append(request.headers.get("Prefer"))
        return httpx.Response(200, json={"data": later})

    async with client(reply) as service:
        session = await service.create({})
        assert await session.preview.switch(representation=True) == later
        assert session.state == state
        assert await session.switch(representation=True) == later
        assert session.state == later
        await session.switch()
    assert preferences == ["return=representation", "return=representation", None]


async def test_mint_is_the_deprecated_name_of_create_token() -> None:
    asked: list[tuple[str, Any]] = []

    def reply(request: httpx.Request) -> httpx.Response:
        asked.append((request.url.raw_path.decode(), json.loads(request.content)))
        return httpx.Response(201, json={"data": {"token": "for a spectator"}})

    async with client(reply) as service:
        session = service.session(_ID)
        with pytest.warns(DeprecationWarning, match=r"use create_token\(\)"):
            old = await session.mint({"role": "spectator"})
        assert old == await session.create_token({"role": "spectator"})
    assert asked == [(f"{_PATH}/tokens", {"role": "spectator"})] * 2


async def test_metadata_goes_with_the_command() -> None:
    sent: list[tuple[str, Any]] = []

    def reply(request: httpx.Request) -> httpx.Response:
        if request.method == "POST" and request.url.path.count("/") > 2:
            body = json.loads(request.content) if request.content else None
            sent.append((request.url.path.rpartition("/")[2], body))
        return httpx.Response(200, json={"data": session_state(session_id=_ID)})

    async with client(reply) as service:
        session = await service.create({})
        await session.begin(metadata={"question": 2})
        await session.begin(ADA, metadata={"question": 3})
        await session.begin()
        await session.complete(metadata={"result": None})
    assert sent == [
        ("begin", {"metadata": {"question": 2}}),
        ("begin", {"participants": [ADA], "metadata": {"question": 3}}),
        ("begin", None),
        ("complete", {"metadata": {"result": None}}),
    ]


@dataclass(frozen=True)
class FixedClock:
    """A clock that stands still."""

    at: float
    error_ms: float

    def now(self) -> float:
        return self.at
