"""Many pushes at once are coalesced per session, limited in rate, and owed when they fail."""

import asyncio
import dataclasses
from functools import partial
from typing import Any

import pytest
from redis.asyncio import Redis

from shared.domain.commands import Start, Switch
from shared.domain.values import replace
from shared.realtime.supabase import PushTimeouts
from shared.realtime.token_bucket import TokenBucket
from tests.integration.pushes.desk import LONG_TIMEOUTS, PushHarness, news_of
from tests.support.broadcast_server import BroadcastServer
from tests.support.scenarios import changes_of, switched_session


async def test_a_burst_of_changes_is_coalesced_into_two_pushes(
    harness: PushHarness, realtime: BroadcastServer
) -> None:
    changes = switched_session(switches=48)
    realtime.hold()
    announcing = [asyncio.create_task(harness.publisher.notify(news_of(c))) for c in changes]
    assert (await realtime.arrival()).told == [("STATE_UPDATE", 1)]
    assert [task.done() for task in announcing] == [False] * 50
    realtime.release()
    await asyncio.gather(*announcing)
    assert [sent.told for sent in realtime.sent] == [[("STATE_UPDATE", 1)], [("STATE_UPDATE", 50)]]
    assert (harness.metric("sent_total"), harness.pushes_with_fate("coalesced")) == (2, 48)


async def test_a_failed_burst_is_owed_once_and_every_announcement_returns(
    harness: PushHarness, realtime: BroadcastServer
) -> None:
    changes = switched_session(switches=8)
    realtime.status = 429
    await asyncio.gather(*(harness.publisher.notify(news_of(c)) for c in changes))
    assert len(realtime.sent) == 2
    assert await harness.owed_names() == [changes[0].session.name]


async def test_sessions_do_not_wait_for_one_another(
    harness: PushHarness, realtime: BroadcastServer
) -> None:
    realtime.hold()
    news = [news_of(switched_session()[-1]) for _ in range(8)]
    announcing = [asyncio.create_task(harness.publisher.notify(n)) for n in news]
    topics = {(await realtime.arrival()).messages[0]["topic"] for _ in news}
    assert topics == {f"session:{n.name}" for n in news}
    realtime.release()
    await asyncio.gather(*announcing)


async def test_pushes_above_the_rate_limit_wait_briefly_and_are_then_owed(
    redis: Redis, realtime: BroadcastServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the burst of 10, the time of the rate limit passes for three more, then stops."""
    waits_s, now = [0.1, 0.1, 0.1], [0.0]

    async def wait(_: float) -> None:
        if waits_s:
            now[0] += waits_s.pop()
        else:
            await asyncio.Event().wait()

    slow = partial(TokenBucket, clock=lambda: now[0], sleep=wait)
    monkeypatch.setattr("shared.realtime.supabase.TokenBucket", slow)
    harness = PushHarness(redis, realtime, rate=10, patience=PushTimeouts(1, 10, 10))
    await harness.store.time()
    news = [news_of(switched_session()[-1]) for _ in range(30)]
    await asyncio.gather(*(harness.publisher.notify(n) for n in news))
    assert len(realtime.sent) == 13
    assert len(await harness.owed_names()) == 17
    await harness.pushes.close()


async def test_a_cancelled_announcement_blocks_no_later_push(
    harness: PushHarness, realtime: BroadcastServer
) -> None:
    realtime.hold()
    created, started, switched = changes_of(Start(), Switch())
    first = asyncio.create_task(harness.publisher.notify(news_of(created)))
    await realtime.arrival()
    second = asyncio.create_task(harness.publisher.notify(news_of(started)))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    realtime.release()
    await second
    await harness.publisher.notify(news_of(switched))
    versions = [version for sent in realtime.sent for _, version in sent.told]
    assert versions == [1, 2, 3]


async def test_send_queues_are_released_after_use(harness: PushHarness) -> None:
    for _ in range(20):
        await harness.publisher.notify(news_of(switched_session()[-1]))
    queues: Any = harness.publisher._queues
    assert len(queues) == 0


async def test_hundreds_of_failures_at_once_are_all_owed_with_bounded_concurrency(
    redis: Redis, realtime: BroadcastServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = PushHarness(
        redis, realtime, rate=1, patience=dataclasses.replace(LONG_TIMEOUTS, queue_s=0.01)
    )
    await harness.store.time()
    add, concurrent, most_concurrent = harness.owed.add, 0, 0

    async def counting_add(name: str) -> bool:
        nonlocal concurrent, most_concurrent
        concurrent += 1
        most_concurrent = max(most_concurrent, concurrent)
        try:
            return await add(name)
        finally:
            concurrent -= 1

    monkeypatch.setattr(harness.owed, "add", counting_add)
    change = switched_session()[-1]
    sessions = [replace(news_of(change), name=f"game-{n}") for n in range(300)]
    await asyncio.gather(*(harness.publisher.notify(news) for news in sessions))
    await harness.pushes.close()
    assert len(realtime.sent) == 1
    assert len(await harness.owed_names()) == 299
    assert (harness.pushes_with_fate("lost"), most_concurrent) == (0, 4)
