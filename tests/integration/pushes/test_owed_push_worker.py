"""Failed pushes are retried with the newest state, by exactly one of several workers."""

import asyncio
import logging
from dataclasses import replace
from time import monotonic, time

import pytest
from redis.asyncio import Redis

from functions.workers import push_retries
from functions.workers.push_retries import PushRetryWorker
from shared.application.errors import StoreUnavailable
from shared.application.event_loop import cancel_and_wait
from shared.application.ports.pending_pushes import ClaimedPushes
from shared.application.ports.session_store import LoadResult
from shared.domain.commands import Delete, Start, Switch
from shared.domain.timekeeping import next_wakeup
from shared.store.pending_pushes import RedisPendingPushes
from tests.integration.pushes.desk import KEYS, PushHarness, news_of
from tests.support.broadcast_server import BroadcastServer
from tests.support.scenarios import changes_of, switched_session

_TIMEOUT_S = 30.0


class FlakyOwedPushes(RedisPendingPushes):
    """Owed pushes whose store is unavailable for the first three calls."""

    failures = 3

    async def take(self, limit: int) -> ClaimedPushes:
        """See `PendingPushes`."""
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable
        return await super().take(limit)


def new_worker(harness: PushHarness) -> PushRetryWorker:
    """Return a new worker."""
    return PushRetryWorker(harness.pushes, harness.store, harness.metrics)


async def test_the_newest_state_is_pushed_once_when_supabase_works_again(
    harness: PushHarness, realtime: BroadcastServer
) -> None:
    realtime.status = 503
    changes, revision = switched_session(switches=3), None
    for change in changes:
        revision = await harness.commit(change, revision)
        await harness.publisher.notify(news_of(change))
    realtime.begin()
    await harness.make_owed_due()
    worker = new_worker(harness)
    assert await worker.retry() == 0
    assert await worker.retry() is None
    (sent,) = realtime.sent
    assert sent.told == [("STATE_SYNC", 5)]
    (message,) = sent.messages
    assert message["topic"] == f"session:{changes[0].session.name}"
    assert message["event"] == "STATE_SYNC"
    assert message["private"] is True
    assert await harness.owed_names() == []
    assert (harness.pushes_with_fate("retried"), harness.pushes_with_fate("lost")) == (1, 0)


async def test_a_push_is_not_retried_before_a_second_has_passed(
    harness: PushHarness, realtime: BroadcastServer
) -> None:
    """The instance's clock is a minute ahead, so that the second doesn't pass during the test."""
    change = switched_session()[-1]
    await harness.commit(change)
    moment = monotonic()
    harness.clock.observe(moment, moment, time() + 60)
    await harness.owed.add(change.session.name)
    next_in_s = await new_worker(harness).retry()
    assert next_in_s is not None
    assert 0 < next_in_s <= 61.01 + harness.clock.error_ms / 1000
    assert realtime.sent == []


async def test_for_a_session_deleted_meanwhile_the_deletion_is_pushed(
    harness: PushHarness, realtime: BroadcastServer
) -> None:
    created, deleted = changes_of(Delete(), tenant="acme")
    await harness.commit(deleted, await harness.commit(created))
    await harness.owed.add(created.session.name)
    await harness.make_owed_due()
    await new_worker(harness).retry()
    ((message,),) = [sent.messages for sent in realtime.sent]
    assert message["topic"] == f"session:acme:{created.session.session_id}"
    assert message["event"] == message["payload"]["type"] == "SESSION_DELETED"
    assert message["payload"]["sessionId"] == created.session.session_id
    assert await harness.owed_names() == []


async def test_for_a_session_unknown_to_the_store_nothing_is_pushed(
    harness: PushHarness, realtime: BroadcastServer
) -> None:
    await harness.owed.add("forgotten")
    await harness.make_owed_due()
    await new_worker(harness).retry()
    assert realtime.sent == []
    assert await harness.owed_names() == []


async def test_a_state_with_a_due_expiry_is_pushed_as_of_the_deadline(
    harness: PushHarness, realtime: BroadcastServer
) -> None:
    running = changes_of(Start())[-1]  # started years ago by the store's clock, so an expiry is due
    deadline = next_wakeup(running.session)
    await harness.commit(running)
    await harness.owed.add(running.session.name)
    await harness.make_owed_due()
    await new_worker(harness).retry()
    ((message,),) = [sent.messages for sent in realtime.sent]
    state = message["payload"]["state"]
    assert (state["server_time_ms"], state["time_remaining_ms"]) == (deadline, 0)
    assert state["version"] == 2


async def test_each_owed_push_is_sent_by_only_one_worker(
    redis: Redis, realtime: BroadcastServer
) -> None:
    harnesses = [PushHarness(redis, realtime) for _ in range(3)]
    games = [switched_session()[-1] for _ in range(50)]
    await harnesses[0].store.time()
    for change in games:
        await harnesses[0].commit(change)
        await harnesses[0].owed.add(change.session.name)
    await harnesses[0].make_owed_due()
    async with asyncio.timeout(_TIMEOUT_S):
        while await harnesses[0].owed_names():
            await asyncio.gather(*(new_worker(harness).retry() for harness in harnesses))
    topics = [message["topic"] for sent in realtime.sent for message in sent.messages]
    assert sorted(topics) == sorted(f"session:{change.session.name}" for change in games)
    for harness in harnesses:
        await harness.pushes.close()


async def test_a_push_that_fails_during_a_retry_is_retried_again(
    harness: PushHarness, realtime: BroadcastServer
) -> None:
    created, started, switched = changes_of(Start(), Switch())
    revision = await harness.commit(started, await harness.commit(created))
    await harness.owed.add(created.session.name)
    await harness.make_owed_due()
    realtime.hold()
    worker = new_worker(harness)
    retrying = asyncio.create_task(worker.retry())
    assert (await realtime.arrival()).told == [("STATE_SYNC", 2)]
    await harness.commit(switched, revision)
    await harness.owed.add(created.session.name)
    realtime.release()
    await retrying
    assert await harness.owed_names() == [created.session.name]
    await harness.make_owed_due()
    await worker.retry()
    assert [sent.told for sent in realtime.sent] == [[("STATE_SYNC", 2)], [("STATE_SYNC", 3)]]


async def test_retries_back_off_and_end_after_fourteen_attempts(
    harness: PushHarness, realtime: BroadcastServer, caplog: pytest.LogCaptureFixture
) -> None:
    realtime.status = 422
    change = switched_session()[-1]
    await harness.commit(change)
    await harness.owed.add(change.session.name)
    delays_s: list[tuple[float, float]] = []
    worker = new_worker(harness)
    while await harness.owed_names():
        await harness.make_owed_due()
        began = monotonic()
        assert await worker.retry() == 0
        left_s = await worker.retry() or 0
        delays_s.append((left_s, monotonic() - began))
    expected_s = [1, 2, 4, 8, 16, *[30] * 8, 0]
    for (left_s, passed_s), delay_s in zip(delays_s, expected_s, strict=True):
        assert max(0, delay_s - passed_s - 0.1) <= left_s <= delay_s + 0.1
    assert len(realtime.sent) == 14
    assert (harness.pushes_with_fate("lost"), harness.pushes_with_fate("retried")) == (1, 0)
    (gave_up,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert gave_up.getMessage() == "giving up on a push: 422 no"
    assert vars(gave_up)["session_id"] == change.session.name


async def test_a_failing_retry_does_not_block_other_sessions(
    harness: PushHarness, realtime: BroadcastServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = switched_session()[-1], switched_session()[-1]
    for change in (good, bad):
        await harness.commit(change)
        await harness.owed.add(change.session.name)
    await harness.make_owed_due()
    present = push_retries._present

    def failing_for_bad(name: str, loaded: LoadResult) -> bytes | None:
        if name == bad.session.name:
            raise ValueError
        return present(name, loaded)

    monkeypatch.setattr(push_retries, "_present", failing_for_bad)
    await new_worker(harness).retry()
    assert len(realtime.sent) == 1
    assert await harness.owed_names() == [bad.session.name]


async def test_the_loop_survives_an_outage_of_the_store(
    harness: PushHarness, realtime: BroadcastServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push_retries, "_LONGEST_SLEEP_S", 0.01)
    change = switched_session()[-1]
    await harness.commit(change)
    await harness.owed.add(change.session.name)
    await harness.make_owed_due()
    flaky = FlakyOwedPushes(harness.connection, KEYS, harness.clock)
    worker = PushRetryWorker(replace(harness.pushes, pending=flaky), harness.store, harness.metrics)
    running = asyncio.create_task(worker.run())
    assert (await realtime.arrival()).told == [("STATE_SYNC", 5)]
    assert flaky.failures == 0
    await cancel_and_wait([running])


async def test_a_failure_and_its_retries_are_logged_only_once(
    harness: PushHarness, realtime: BroadcastServer, caplog: pytest.LogCaptureFixture
) -> None:
    realtime.status = 500
    change = switched_session()[-1]
    await harness.commit(change)
    with caplog.at_level(logging.WARNING, "synckairos.pushes"):
        await harness.publisher.notify(news_of(change))
        for _ in range(3):
            await harness.make_owed_due()
            await new_worker(harness).retry()
    assert len(caplog.records) == 1
