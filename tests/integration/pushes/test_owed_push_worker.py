"""Failed pushes are made up for: with the newest state, once, however many workers there are."""

import asyncio
import logging
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from functions.workers import push_retries
from functions.workers.push_retries import PushRetryWorker
from shared.domain.commands import Delete, Start, Switch
from shared.domain.timekeeping import next_wakeup
from shared.errors import StoreUnavailable
from shared.ports import Loaded
from shared.realtime.ports import Taken
from shared.store.owed_pushes import RedisOwedPushes
from shared.tasks import end
from tests.integration.pushes.desk import KEYS, Desk, news_of
from tests.support.broadcast_server import BroadcastServer
from tests.support.scenarios import changes_of, switched_session

_PATIENCE_S = 10.0


class Flaky(RedisOwedPushes):
    """Can't be reached three times."""

    failures = 3

    async def take(self, limit: int) -> Taken:
        """See `OwedPushes`."""
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable
        return await super().take(limit)


def worker_of(desk: Desk) -> PushRetryWorker:
    """One more worker."""
    return PushRetryWorker(desk.pushes, desk.store, desk.metrics)


async def test_when_supabase_comes_back_the_newest_state_is_pushed_once(
    desk: Desk, realtime: BroadcastServer
) -> None:
    realtime.status = 503
    changes, revision = switched_session(switches=3), None
    for change in changes:
        revision = await desk.commit(change, revision)
        await desk.publisher.announce(news_of(change))
    realtime.begin()
    await desk.let_a_second_pass()
    worker = worker_of(desk)
    assert await worker.retry() == 0
    assert await worker.retry() is None
    (sent,) = realtime.sent
    assert sent.told == [("STATE_SYNC", 5)]
    (message,) = sent.messages
    assert message["topic"] == f"session:{changes[0].session.name}"
    assert message["event"] == "STATE_SYNC"
    assert message["private"] is True
    assert await desk.names_owed() == []
    assert (desk.fate("retried"), desk.fate("lost")) == (1, 0)


async def test_nothing_is_pushed_again_before_a_second_has_passed(
    desk: Desk, realtime: BroadcastServer
) -> None:
    change = switched_session()[-1]
    await desk.commit(change)
    await desk.owed.add(change.session.name)
    next_in_s = await worker_of(desk).retry()
    assert next_in_s is not None
    # Both instants are read from the instance's own clock, each with its error.
    assert 0 < next_in_s <= 1.01 + 2 * desk.clock.error_ms / 1000
    assert realtime.sent == []


async def test_of_one_that_was_deleted_meanwhile_that_is_told(
    desk: Desk, realtime: BroadcastServer
) -> None:
    created, deleted = changes_of(Delete(), tenant="acme")
    await desk.commit(deleted, await desk.commit(created))
    await desk.owed.add(created.session.name)
    await desk.let_a_second_pass()
    await worker_of(desk).retry()
    ((message,),) = [sent.messages for sent in realtime.sent]
    assert message["topic"] == f"session:acme:{created.session.session_id}"
    assert message["event"] == message["payload"]["type"] == "SESSION_DELETED"
    assert message["payload"]["sessionId"] == created.session.session_id
    assert await desk.names_owed() == []


async def test_of_one_that_the_store_knows_nothing_of_nothing_is_told(
    desk: Desk, realtime: BroadcastServer
) -> None:
    await desk.owed.add("forgotten")
    await desk.let_a_second_pass()
    await worker_of(desk).retry()
    assert realtime.sent == []
    assert await desk.names_owed() == []


async def test_a_state_in_which_something_is_due_is_told_as_of_the_instant_before(
    desk: Desk, realtime: BroadcastServer
) -> None:
    running = changes_of(Start())[
        -1
    ]  # years ago by the store's clock, so its flag should have fallen
    deadline = next_wakeup(running.session)
    await desk.commit(running)
    await desk.owed.add(running.session.name)
    await desk.let_a_second_pass()
    await worker_of(desk).retry()
    ((message,),) = [sent.messages for sent in realtime.sent]
    state = message["payload"]["state"]
    assert (state["server_time_ms"], state["time_remaining_ms"]) == (deadline, 0)
    assert state["version"] == 2


async def test_each_is_one_worker_s(redis: Redis, realtime: BroadcastServer) -> None:
    desks = [Desk(redis, realtime) for _ in range(3)]
    games = [switched_session()[-1] for _ in range(50)]
    await desks[0].store.time()
    for change in games:
        await desks[0].commit(change)
        await desks[0].owed.add(change.session.name)
    await desks[0].let_a_second_pass()
    async with asyncio.timeout(_PATIENCE_S):
        while await desks[0].names_owed():
            await asyncio.gather(*(worker_of(desk).retry() for desk in desks))
    topics = [message["topic"] for sent in realtime.sent for message in sent.messages]
    assert sorted(topics) == sorted(f"session:{change.session.name}" for change in games)
    for desk in desks:
        await desk.pushes.close()


async def test_what_fails_while_it_is_made_up_for_is_made_up_for_again(
    desk: Desk, realtime: BroadcastServer
) -> None:
    created, started, switched = changes_of(Start(), Switch())
    revision = await desk.commit(started, await desk.commit(created))
    await desk.owed.add(created.session.name)
    await desk.let_a_second_pass()
    realtime.hold()
    worker = worker_of(desk)
    retrying = asyncio.create_task(worker.retry())
    assert (await realtime.arrival()).told == [("STATE_SYNC", 2)]
    await desk.commit(switched, revision)
    await desk.owed.add(created.session.name)
    realtime.release()
    await retrying
    assert await desk.names_owed() == [created.session.name]
    await desk.let_a_second_pass()
    await worker.retry()
    assert [sent.told for sent in realtime.sent] == [[("STATE_SYNC", 2)], [("STATE_SYNC", 3)]]


async def test_it_is_tried_less_and_less_often_and_given_up_after_minutes(
    desk: Desk, realtime: BroadcastServer, caplog: pytest.LogCaptureFixture
) -> None:
    realtime.status = 422
    change = switched_session()[-1]
    await desk.commit(change)
    await desk.owed.add(change.session.name)
    delays_s: list[float] = []
    worker = worker_of(desk)
    while await desk.names_owed():
        await desk.let_a_second_pass()
        assert await worker.retry() == 0
        delays_s.append(await worker.retry() or 0)
    assert [round(delay) for delay in delays_s] == [1, 2, 4, 8, 16, *[30] * 8, 0]
    assert len(realtime.sent) == 14
    assert (desk.fate("lost"), desk.fate("retried")) == (1, 0)
    (gave_up,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert gave_up.getMessage() == "giving up on a push: 422 no"
    assert vars(gave_up)["session_id"] == change.session.name


async def test_one_that_fails_holds_up_no_other(
    desk: Desk, realtime: BroadcastServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = switched_session()[-1], switched_session()[-1]
    for change in (good, bad):
        await desk.commit(change)
        await desk.owed.add(change.session.name)
    await desk.let_a_second_pass()
    present = push_retries._present

    def stumbling(name: str, loaded: Loaded) -> bytes | None:
        if name == bad.session.name:
            raise ValueError
        return present(name, loaded)

    monkeypatch.setattr(push_retries, "_present", stumbling)
    await worker_of(desk).retry()
    assert len(realtime.sent) == 1
    assert await desk.names_owed() == [bad.session.name]


async def test_without_a_store_the_loop_goes_on(
    desk: Desk, realtime: BroadcastServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push_retries, "_LONGEST_SLEEP_S", 0.01)
    change = switched_session()[-1]
    await desk.commit(change)
    await desk.owed.add(change.session.name)
    await desk.let_a_second_pass()
    flaky = Flaky(desk.connection, KEYS, desk.clock)
    worker = PushRetryWorker(replace(desk.pushes, owed=flaky), desk.store, desk.metrics)
    running = asyncio.create_task(worker.run())
    assert (await realtime.arrival()).told == [("STATE_SYNC", 5)]
    assert flaky.failures == 0
    await end([running])


async def test_a_retry_is_logged_with_the_failure_that_caused_it_only_once(
    desk: Desk, realtime: BroadcastServer, caplog: pytest.LogCaptureFixture
) -> None:
    realtime.status = 500
    change = switched_session()[-1]
    await desk.commit(change)
    with caplog.at_level(logging.WARNING, "synckairos.pushes"):
        await desk.publisher.announce(news_of(change))
        for _ in range(3):
            await desk.let_a_second_pass()
            await worker_of(desk).retry()
    assert len(caplog.records) == 1
