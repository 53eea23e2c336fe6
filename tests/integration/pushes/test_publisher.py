"""Pushes to Supabase Realtime: what is sent, how often, and what becomes of what can't be."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from infra.local.supabase import SECRET_KEY
from shared.domain.commands import Create, NewParticipant
from shared.domain.creation import create
from shared.domain.session import SyncMode
from shared.domain.units import Instant, Millis
from shared.ports import News
from shared.realtime.supabase import Patience
from tests.integration.pushes.desk import IN_TIME, Desk, news_of
from tests.support.broadcast_server import BroadcastServer
from tests.support.scenarios import switched_session

_SHORT = Patience(waiting_s=0.3, sending_s=0.3, noting_s=5)
_NOBODY_LISTENS = "redis://127.0.0.1:1"


@pytest.fixture
async def hasty(redis: Redis, realtime: BroadcastServer) -> AsyncIterator[Desk]:
    """One that waits as short as functions do."""
    desk = Desk(redis, realtime, patience=_SHORT)
    await desk.store.time()
    yield desk
    await desk.pushes.close()


async def test_all_pushes_of_a_commit_go_in_one_request_as_they_are(
    desk: Desk, realtime: BroadcastServer
) -> None:
    expired = b'{"type":"TIME_EXPIRED","sessionId":"s","deadline_ms":1,"action_applied":null}'
    update = b'{"type":"STATE_UPDATE","state":{"version":7,"note":"Z\xc3\xbcrich","x":1.50}}'
    await desk.publisher.announce(News("acme:s", pushes=[expired, update]))
    (sent,) = realtime.sent
    assert sent.messages == [
        {
            "topic": "session:acme:s",
            "event": kind,
            "payload": json.loads(message),
            "private": True,
        }
        for kind, message in (("TIME_EXPIRED", expired), ("STATE_UPDATE", update))
    ]
    assert expired in sent.body
    assert update in sent.body
    assert await desk.names_owed() == []
    assert desk.calls == []
    assert (desk.counted("sent_total"), desk.counted("duration_ms_count")) == (2, 1)


async def test_a_secret_key_goes_alone(desk: Desk, realtime: BroadcastServer) -> None:
    await desk.publisher.announce(news_of(switched_session()[-1]))
    (sent,) = realtime.sent
    assert sent.headers["apikey"] == SECRET_KEY
    assert "authorization" not in sent.headers
    assert sent.headers["content-type"] == "application/json"


async def test_a_legacy_key_is_a_token_too(redis: Redis, realtime: BroadcastServer) -> None:
    legacy = "eyJhbGciOiJIUzI1NiJ9.e30.signature"
    desk = Desk(redis, realtime, key=legacy)
    await desk.publisher.announce(news_of(switched_session()[-1]))
    (sent,) = realtime.sent
    assert (sent.headers["apikey"], sent.headers["authorization"]) == (legacy, f"Bearer {legacy}")
    await desk.pushes.close()


async def test_news_without_a_push_are_nobody_s_business(
    desk: Desk, realtime: BroadcastServer
) -> None:
    await desk.publisher.announce(News("a-session", Instant(1), fills_outbox=True))
    assert realtime.sent == []


async def test_a_state_that_supabase_would_not_take_goes_as_its_version_alone(
    desk: Desk, realtime: BroadcastServer
) -> None:
    crowd = tuple(NewParticipant(str(uuid4()), total_time_ms=Millis(60_000)) for _ in range(1000))
    created = create(Create(str(uuid4()), SyncMode.PER_PARTICIPANT, crowd), Instant(1_000))
    await desk.publisher.announce(news_of(created))
    (sent,) = realtime.sent
    (message,) = sent.messages
    assert message["event"] == "STATE_UPDATE"
    assert message["payload"] == {
        "type": "STATE_UPDATE",
        "sessionId": created.session.session_id,
        "timestamp": 1_000,
        "cause": "session_created",
        "version": 1,
    }


@pytest.mark.parametrize("status", [200, 204, 302, 401, 403, 404, 422, 429, 500, 503])
async def test_whatever_is_not_a_202_is_owed(
    desk: Desk, realtime: BroadcastServer, status: int
) -> None:
    realtime.status = status
    news = news_of(switched_session()[-1])
    await desk.publisher.announce(news)
    assert len(realtime.sent) == 1
    assert await desk.names_owed() == [news.name]
    assert desk.calls == ["called"]
    assert (desk.fate("failed"), desk.counted("sent_total")) == (1, 0)


async def test_silence_is_not_waited_for(hasty: Desk, realtime: BroadcastServer) -> None:
    realtime.hold()
    news, began = news_of(switched_session()[-1]), monotonic()
    await hasty.publisher.announce(news)
    assert monotonic() - began < 1
    assert await hasty.names_owed() == [news.name]


async def test_who_refuses_connections_is_owed_to(desk: Desk, realtime: BroadcastServer) -> None:
    realtime.stop()
    news = news_of(switched_session()[-1])
    await desk.publisher.announce(news)
    assert await desk.names_owed() == [news.name]


@pytest.mark.parametrize("url", ["", "no-url", "http://[broken", "ftp://a.example"])
async def test_a_url_that_is_none_fails_nothing_but_pushes(
    desk: Desk, redis: Redis, realtime: BroadcastServer, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setattr(desk.publisher._broadcasts, "_url", url)
    news = news_of(switched_session()[-1])
    await desk.publisher.announce(news)
    assert await desk.names_owed() == [news.name]


async def test_connections_are_kept_and_one_that_died_while_idle_is_replaced(
    desk: Desk, realtime: BroadcastServer
) -> None:
    for _ in range(2):
        await desk.publisher.announce(news_of(switched_session()[-1]))
    realtime.stop()
    realtime.start()
    await desk.publisher.announce(news_of(switched_session()[-1]))
    first, second, third = realtime.sent
    assert first.client_port == second.client_port != third.client_port
    assert await desk.names_owed() == []


async def test_one_that_dies_under_a_request_is_replaced_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So does one that was reset while a function stood frozen: nobody could tell before."""
    connections: list[asyncio.Task[Any] | None] = []

    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(asyncio.current_task())
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))
        writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        with suppress(asyncio.IncompleteReadError):
            await reader.readexactly(1)
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer_once, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setattr(desk.publisher._broadcasts, "_url", f"http://127.0.0.1:{port}/")
        for _ in range(3):
            await desk.publisher.announce(news_of(switched_session()[-1]))
        await desk.pushes.close()
        await asyncio.gather(*filter(None, connections))
    assert len(connections) == 3
    assert await desk.names_owed() == []


async def test_a_failure_that_can_t_be_noted_is_counted_and_told_and_raises_nothing(
    realtime: BroadcastServer, caplog: pytest.LogCaptureFixture
) -> None:
    redis = Redis.from_url(_NOBODY_LISTENS)
    desk = Desk(redis, realtime)
    realtime.status = 500
    with caplog.at_level(logging.WARNING, "synckairos.pushes"):
        await desk.publisher.announce(news_of(switched_session()[-1]))
    assert (desk.fate("failed"), desk.fate("lost")) == (1, 1)
    assert "pushes are lost" in caplog.text
    assert desk.calls == []
    await desk.pushes.close()
    await redis.aclose()


async def test_a_note_that_takes_too_long_is_not_waited_for(
    redis: Redis, realtime: BroadcastServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(redis, realtime, patience=replace(IN_TIME, noting_s=0.01))
    monkeypatch.setattr(desk.owed, "add", never)
    realtime.status = 500
    await desk.publisher.announce(news_of(switched_session()[-1]))
    await desk.pushes.close()
    assert desk.fate("lost") == 1


async def never(_: str) -> bool:
    """A store that doesn't answer."""
    return await asyncio.Event().wait()


async def test_that_pushes_fail_is_not_told_with_each_of_them(
    desk: Desk, realtime: BroadcastServer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "synckairos.pushes"):
        for status in (202, 500, 429, 202, 500):
            realtime.status = status
            await desk.publisher.announce(news_of(switched_session()[-1]))
    (record,) = caplog.records
    assert record.getMessage() == "pushes to Supabase fail: 500 no"


async def test_the_worker_is_called_once_for_each_session_that_is_owed_to(
    desk: Desk, realtime: BroadcastServer
) -> None:
    realtime.status = 500
    changes = switched_session(switches=1)
    for change in (*changes, switched_session()[-1]):
        await desk.publisher.announce(news_of(change))
    assert desk.calls == ["called"] * 2
