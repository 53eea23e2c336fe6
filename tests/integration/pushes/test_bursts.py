"""Many pushes at once: of one session, of many, and more than may be sent."""

import asyncio
from dataclasses import replace
from time import monotonic
from typing import Any

import pytest
from redis.asyncio import Redis

from shared.domain.commands import Start, Switch
from shared.realtime.supabase import Patience
from tests.integration.pushes.desk import IN_TIME, Desk, news_of
from tests.support.broadcast_server import BroadcastServer
from tests.support.scenarios import changes_of, switched_session


async def test_a_burst_is_not_a_burst_of_pushes(desk: Desk, realtime: BroadcastServer) -> None:
    changes = switched_session(switches=48)
    realtime.hold()
    announcing = [asyncio.create_task(desk.publisher.announce(news_of(c))) for c in changes]
    assert (await realtime.arrival()).told == [("STATE_UPDATE", 1)]
    assert [task.done() for task in announcing] == [False] * 50
    realtime.release()
    await asyncio.gather(*announcing)
    assert [sent.told for sent in realtime.sent] == [[("STATE_UPDATE", 1)], [("STATE_UPDATE", 50)]]
    assert (desk.counted("sent_total"), desk.fate("coalesced")) == (2, 48)


async def test_a_burst_that_fails_is_owed_once_and_every_one_returns(
    desk: Desk, realtime: BroadcastServer
) -> None:
    changes = switched_session(switches=8)
    realtime.status = 429
    await asyncio.gather(*(desk.publisher.announce(news_of(c)) for c in changes))
    assert len(realtime.sent) == 2
    assert await desk.names_owed() == [changes[0].session.name]


async def test_sessions_do_not_wait_for_one_another(desk: Desk, realtime: BroadcastServer) -> None:
    realtime.hold()
    news = [news_of(switched_session()[-1]) for _ in range(8)]
    announcing = [asyncio.create_task(desk.publisher.announce(n)) for n in news]
    topics = {(await realtime.arrival()).messages[0]["topic"] for _ in news}
    assert topics == {f"session:{n.name}" for n in news}
    realtime.release()
    await asyncio.gather(*announcing)


async def test_more_than_the_limit_allows_waits_a_little_and_is_owed(
    redis: Redis, realtime: BroadcastServer
) -> None:
    desk = Desk(redis, realtime, rate=10, patience=Patience(0.45, 10, 10))
    await desk.store.time()
    news, began = [news_of(switched_session()[-1]) for _ in range(30)], monotonic()
    await asyncio.gather(*(desk.publisher.announce(n) for n in news))
    spent_s = monotonic() - began
    assert 11 <= len(realtime.sent) <= 10 + 10 * spent_s
    assert len(await desk.names_owed()) == 30 - len(realtime.sent)
    await desk.pushes.close()


async def test_what_is_called_off_keeps_nobody_from_pushing(
    desk: Desk, realtime: BroadcastServer
) -> None:
    realtime.hold()
    created, started, switched = changes_of(Start(), Switch())
    first = asyncio.create_task(desk.publisher.announce(news_of(created)))
    await realtime.arrival()
    second = asyncio.create_task(desk.publisher.announce(news_of(started)))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    realtime.release()
    await second
    await desk.publisher.announce(news_of(switched))
    versions = [version for sent in realtime.sent for _, version in sent.told]
    assert versions == [1, 2, 3]


async def test_lanes_do_not_pile_up(desk: Desk) -> None:
    for _ in range(20):
        await desk.publisher.announce(news_of(switched_session()[-1]))
    lanes: Any = desk.publisher._lanes
    assert len(lanes) == 0


async def test_hundreds_that_fail_in_one_instant_are_all_owed_and_hold_nobody_up(
    redis: Redis, realtime: BroadcastServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(redis, realtime, rate=1, patience=replace(IN_TIME, waiting_s=0.01))
    await desk.store.time()
    add, at_once, most = desk.owed.add, 0, 0

    async def counted(name: str) -> bool:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        try:
            return await add(name)
        finally:
            at_once -= 1

    monkeypatch.setattr(desk.owed, "add", counted)
    change = switched_session()[-1]
    sessions = [replace(news_of(change), name=f"game-{n}") for n in range(300)]
    await asyncio.gather(*(desk.publisher.announce(news) for news in sessions))
    await desk.pushes.close()
    assert len(realtime.sent) == 1
    assert len(await desk.names_owed()) == 299
    assert (desk.fate("lost"), most) == (0, 4)
