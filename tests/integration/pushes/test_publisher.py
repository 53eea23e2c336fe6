"""Requests to Supabase Realtime: their content, their connections, and how failures are noted."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from infra.local.supabase import SECRET_KEY
from shared.application.ports.notifier import CommitNotification
from shared.application.ports.push_message import PushMessage
from shared.domain.commands import Create, NewParticipant
from shared.domain.creation import create
from shared.domain.session import SyncMode
from shared.domain.units import Instant, Millis
from shared.realtime.supabase import PushTimeouts
from tests.integration.pushes.desk import LONG_TIMEOUTS, PushHarness, news_of
from tests.support.broadcast_server import BroadcastServer
from tests.support.scenarios import switched_session

_SHORT_TIMEOUTS = PushTimeouts(queue_s=0.3, request_s=0.3, note_s=10)
_UNREACHABLE_REDIS_URL = "redis://127.0.0.1:1"


@pytest.fixture
async def short_timeouts(redis: Redis, realtime: BroadcastServer) -> AsyncIterator[PushHarness]:
    """An instance with timeouts as short as those of the functions."""
    harness = PushHarness(redis, realtime, patience=_SHORT_TIMEOUTS)
    await harness.store.time()
    yield harness
    await harness.pushes.close()


async def test_all_pushes_of_a_commit_go_unchanged_and_the_last_one_by_itself(
    harness: PushHarness, realtime: BroadcastServer
) -> None:
    expired = b'{"type":"TIME_EXPIRED","sessionId":"s","deadline_ms":1,"action_applied":null}'
    warning = b'{"type":"TIME_WARNING","sessionId":"s","remaining_ms":5}'
    update = b'{"type":"STATE_UPDATE","state":{"version":7,"note":"Z\xc3\xbcrich","x":1.50}}'
    pushes = [PushMessage(message) for message in (expired, warning, update)]
    await harness.publisher.notify(CommitNotification("acme:s", pushes=pushes))
    together, by_itself = realtime.sent
    assert together.messages + by_itself.messages == [
        {
            "topic": "session:acme:s",
            "event": kind,
            "payload": json.loads(message),
            "private": True,
        }
        for kind, message in (
            ("TIME_EXPIRED", expired),
            ("TIME_WARNING", warning),
            ("STATE_UPDATE", update),
        )
    ]
    assert expired in together.body
    assert by_itself.body == update
    assert await harness.owed_names() == []
    assert harness.calls == []
    assert (harness.metric("sent_total"), harness.metric("duration_ms_count")) == (3, 1)


async def test_a_refusal_of_the_first_messages_stops_the_last_one(
    harness: PushHarness, realtime: BroadcastServer
) -> None:
    realtime.status = 503
    changes = [
        PushMessage(b'{"type":"TIME_WARNING"}'),
        PushMessage(b'{"type":"STATE_UPDATE","state":{"version":7}}'),
    ]
    await harness.publisher.notify(CommitNotification("s", pushes=changes))
    assert [sent.told for sent in realtime.sent] == [[("TIME_WARNING", None)]]
    assert await harness.owed_names() == ["s"]


async def test_after_a_refusal_for_the_rate_later_pushes_are_owed_without_a_request(
    redis: Redis, realtime: BroadcastServer
) -> None:
    harness = PushHarness(redis, realtime, rate=100, patience=_SHORT_TIMEOUTS)
    await harness.store.time()
    realtime.status = 429
    refused, later = (news_of(switched_session()[-1]) for _ in range(2))
    await harness.publisher.notify(refused)
    realtime.status = 202
    await harness.publisher.notify(later)
    assert len(realtime.sent) == 1
    assert await harness.owed_names() == sorted([refused.name, later.name])
    await harness.pushes.close()


async def test_messages_that_many_clients_receive_are_sent_more_slowly(
    redis: Redis, realtime: BroadcastServer
) -> None:
    """The answers say that each message takes hundreds of the hundred messages a second."""
    harness = PushHarness(redis, realtime, rate=100, patience=_SHORT_TIMEOUTS)
    await harness.store.time()
    realtime.headers = {"x-rate-rolling": "90", "x-rate-limit": "100"}
    news = [news_of(switched_session()[-1]) for _ in range(4)]
    for each in news:
        await harness.publisher.notify(each)
    assert len(realtime.sent) == 2
    assert await harness.owed_names() == sorted(each.name for each in news[2:])
    await harness.pushes.close()


async def test_a_secret_key_is_sent_only_as_apikey(
    harness: PushHarness, realtime: BroadcastServer
) -> None:
    await harness.publisher.notify(news_of(switched_session()[-1]))
    (sent,) = realtime.sent
    assert sent.headers["apikey"] == SECRET_KEY
    assert "authorization" not in sent.headers
    assert sent.headers["content-type"] == "application/json"


async def test_a_legacy_key_is_also_sent_as_bearer_token(
    redis: Redis, realtime: BroadcastServer
) -> None:
    legacy = "eyJhbGciOiJIUzI1NiJ9.e30.signature"
    harness = PushHarness(redis, realtime, key=legacy)
    await harness.publisher.notify(news_of(switched_session()[-1]))
    (sent,) = realtime.sent
    assert (sent.headers["apikey"], sent.headers["authorization"]) == (legacy, f"Bearer {legacy}")
    await harness.pushes.close()


async def test_news_without_pushes_send_nothing(
    harness: PushHarness, realtime: BroadcastServer
) -> None:
    await harness.publisher.notify(
        CommitNotification("a-session", Instant(1), outbox_was_empty=True)
    )
    assert realtime.sent == []


async def test_a_state_too_large_for_supabase_is_sent_as_its_version_only(
    harness: PushHarness, realtime: BroadcastServer
) -> None:
    crowd = tuple(NewParticipant(str(uuid4()), total_time_ms=Millis(60_000)) for _ in range(1000))
    created = create(Create(str(uuid4()), SyncMode.PER_PARTICIPANT, crowd), Instant(1_000))
    await harness.publisher.notify(news_of(created))
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


async def test_a_state_too_large_for_supabase_is_sent_as_its_difference_if_it_has_one(
    harness: PushHarness, realtime: BroadcastServer
) -> None:
    state = {"version": 7, "note": "x" * 200_000}
    rest = {"type": "STATE_UPDATE", "sessionId": "s", "timestamp": 1, "cause": "participant_begun"}
    difference = {"since": 6, "state": {"version": 7, "participants": []}}
    update = json.dumps({**rest, "state": state, "difference": difference}).encode()
    await harness.publisher.notify(CommitNotification("s", pushes=[PushMessage(update)]))
    (sent,) = realtime.sent
    (message,) = sent.messages
    assert message["payload"] == {**rest, "version": 7, "difference": difference}


@pytest.mark.parametrize("status", [200, 302, 401, 429, 503])
async def test_every_response_but_202_makes_the_push_owed(
    harness: PushHarness, realtime: BroadcastServer, status: int
) -> None:
    realtime.status = status
    news = news_of(switched_session()[-1])
    await harness.publisher.notify(news)
    assert len(realtime.sent) == 1
    assert await harness.owed_names() == [news.name]
    assert harness.calls == ["called"]
    assert (harness.pushes_with_fate("failed"), harness.metric("sent_total")) == (1, 0)


async def test_a_missing_response_times_out_and_the_push_is_owed(
    short_timeouts: PushHarness, realtime: BroadcastServer
) -> None:
    realtime.hold()
    news = news_of(switched_session()[-1])
    async with asyncio.timeout(30):
        await short_timeouts.publisher.notify(news)
    assert await short_timeouts.owed_names() == [news.name]


async def test_a_refused_connection_makes_the_push_owed(
    harness: PushHarness, realtime: BroadcastServer
) -> None:
    realtime.stop()
    news = news_of(switched_session()[-1])
    await harness.publisher.notify(news)
    assert await harness.owed_names() == [news.name]


@pytest.mark.parametrize("url", ["", "no-url", "http://[broken", "ftp://a.example"])
async def test_an_invalid_url_makes_the_push_owed(
    harness: PushHarness,
    redis: Redis,
    realtime: BroadcastServer,
    monkeypatch: pytest.MonkeyPatch,
    url: str,
) -> None:
    monkeypatch.setattr(harness.publisher._broadcasts, "_url", url)
    news = news_of(switched_session()[-1])
    await harness.publisher.notify(news)
    assert await harness.owed_names() == [news.name]


async def test_connections_are_reused_and_replaced_when_they_died_while_idle(
    harness: PushHarness, realtime: BroadcastServer
) -> None:
    for _ in range(2):
        await harness.publisher.notify(news_of(switched_session()[-1]))
    realtime.stop()
    realtime.start()
    await harness.publisher.notify(news_of(switched_session()[-1]))
    first, second, third = realtime.sent
    assert first.client_port == second.client_port != third.client_port
    assert await harness.owed_names() == []


async def test_a_connection_that_dies_under_a_request_is_replaced_once(
    harness: PushHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This covers a connection that was reset while a function was frozen: the client notices it
    only with the next request."""
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
        monkeypatch.setattr(harness.publisher._broadcasts, "_url", f"http://127.0.0.1:{port}/")
        for _ in range(3):
            await harness.publisher.notify(news_of(switched_session()[-1]))
        await harness.pushes.close()
        await asyncio.gather(*filter(None, connections))
    assert len(connections) == 3
    assert await harness.owed_names() == []


async def test_a_failure_that_cannot_be_noted_is_counted_and_logged_and_raises_nothing(
    realtime: BroadcastServer, caplog: pytest.LogCaptureFixture
) -> None:
    redis = Redis.from_url(_UNREACHABLE_REDIS_URL)
    harness = PushHarness(redis, realtime)
    realtime.status = 500
    with caplog.at_level(logging.WARNING, "synckairos.pushes"):
        await harness.publisher.notify(news_of(switched_session()[-1]))
    assert (harness.pushes_with_fate("failed"), harness.pushes_with_fate("lost")) == (1, 1)
    assert "pushes are lost" in caplog.text
    assert harness.calls == []
    await harness.pushes.close()
    await redis.aclose()


async def test_noting_a_failure_has_a_timeout(
    redis: Redis, realtime: BroadcastServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = PushHarness(redis, realtime, patience=replace(LONG_TIMEOUTS, note_s=0.01))
    monkeypatch.setattr(harness.owed, "add", never_answer)
    realtime.status = 500
    await harness.publisher.notify(news_of(switched_session()[-1]))
    await harness.pushes.close()
    assert harness.pushes_with_fate("lost") == 1


async def never_answer(_: str) -> bool:
    """Stand in for a store that doesn't answer."""
    return await asyncio.Event().wait()


async def test_repeated_push_failures_are_logged_only_once(
    harness: PushHarness, realtime: BroadcastServer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "synckairos.pushes"):
        for status in (202, 500, 429, 202, 500):
            realtime.status = status
            await harness.publisher.notify(news_of(switched_session()[-1]))
    (record,) = caplog.records
    assert record.getMessage() == "pushes to Supabase fail: 500 no"


async def test_the_worker_is_called_once_for_each_session_that_is_owed_a_push(
    harness: PushHarness, realtime: BroadcastServer
) -> None:
    realtime.status = 500
    changes = switched_session(switches=1)
    for change in (*changes, switched_session()[-1]):
        await harness.publisher.notify(news_of(change))
    assert harness.calls == ["called"] * 2
