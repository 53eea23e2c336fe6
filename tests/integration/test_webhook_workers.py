"""The workers of webhooks: retries until they give up, crashes, and large or wrong entries."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from shared.application.errors import StoreUnavailable
from shared.application.ports.audit_log import QueuedEntry
from shared.application.ports.webhooks import Attempt, ClaimedDelivery
from shared.application.webhook_retries import DELAYS_MS
from shared.application.webhook_signing import new_secret
from tests.support.scenarios import last_session, switched_session
from tests.support.webhook_receiver import webhook_receiver
from tests.support.webhook_setup import WebhookSetup


@pytest.fixture
async def setup(redis: Redis) -> AsyncIterator[WebhookSetup]:
    """The workers on an empty Redis."""
    setup = WebhookSetup(redis)
    yield setup
    await setup.backend.close()


async def test_a_message_is_given_up_after_eight_attempts_and_the_next_one_sent(
    setup: WebhookSetup,
) -> None:
    changes = switched_session(switches=0)
    async with webhook_receiver([500] * 8) as receiver:
        webhook = await setup.register(receiver.url)
        await setup.commit(*changes)
        await setup.dispatch()
        for _ in range(8):
            await setup.deliver()
            await setup.make_due()
        await setup.deliver()
    attempts = await setup.attempts(webhook)
    assert [one.outcome for one in attempts] == ["failed"] * 7 + ["dead"] + ["delivered"] * (
        len(changes) - 1
    )
    assert [one.attempt for one in attempts[:8]] == [1, 2, 3, 4, 5, 6, 7, 8]
    for one, delay_ms in zip(attempts, DELAYS_MS, strict=False):
        assert one.next_at is not None
        assert one.next_at - one.at >= delay_ms
    ids = [request.headers["webhook-id"] for request in receiver.requests]
    first, second = (f"{last_session(changes).session_id}.{version}" for version in (1, 2))
    assert ids == [first] * 8 + [second]
    assert attempts[7].reason == "the receiver answered 500"


async def test_a_crash_between_queue_and_outbox_repeats_no_message_and_loses_none(
    setup: WebhookSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = switched_session(switches=2)
    outbox = setup.backend.webhooks.outbox

    async def die(_: list[QueuedEntry]) -> None:
        raise StoreUnavailable

    async with webhook_receiver() as receiver:
        await setup.register(receiver.url)
        await setup.commit(*changes)
        with monkeypatch.context() as patch:
            patch.setattr(outbox, "settle", die)
            with pytest.raises(StoreUnavailable):
                await setup.dispatch()
        await setup.dispatch()
        await setup.deliver()
        ids = [request.headers["webhook-id"].split(".")[1] for request in receiver.requests]
    versions = [str(change.session.version) for change in changes]
    assert ids == versions


async def test_a_crash_between_answer_and_record_sends_the_same_id_again(
    setup: WebhookSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(_: ClaimedDelivery, __: Attempt) -> None:
        raise StoreUnavailable

    async with webhook_receiver() as receiver:
        webhook = await setup.register(receiver.url, "session.created")
        await setup.commit(*switched_session(switches=0))
        await setup.dispatch()
        with monkeypatch.context() as patch:
            patch.setattr(setup.backend.webhooks.queue, "record", die)
            await setup.deliver()
        await setup.deliver()
        assert len(receiver.requests) == 1
        await setup.make_due()
        await setup.deliver()
        first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert [one.outcome for one in await setup.attempts(webhook)] == ["delivered"]


async def test_an_entry_that_is_none_holds_up_no_other(setup: WebhookSetup, redis: Redis) -> None:
    changes = switched_session(switches=0)
    (shard,) = setup.backend.keys.all_shards
    async with webhook_receiver() as receiver:
        await setup.register(receiver.url)
        await redis.xadd(setup.backend.keys.outbox(shard), {"entry": b"no JSON"})
        await redis.xadd(setup.backend.keys.outbox(shard), {"other": b""})
        await setup.commit(*changes)
        await setup.dispatch()
        await setup.deliver()
    assert len(receiver.requests) == len(changes)


async def test_the_trail_still_gets_what_was_dispatched(setup: WebhookSetup) -> None:
    changes = switched_session(switches=1)
    await setup.commit(*changes)
    await setup.dispatch()
    entries = await setup.backend.outbox.take("worker", 10)
    assert len(entries) == len(changes)
    await setup.backend.outbox.settle(entries)
    assert (await setup.backend.store.statistics()).outbox_length == 0


async def test_events_before_a_webhook_was_made_are_not_sent(setup: WebhookSetup) -> None:
    async with webhook_receiver() as receiver:
        await setup.commit(*switched_session(switches=1))
        committed_at = await setup.backend.store.time()
        while await setup.backend.store.time() == committed_at:
            pass  # events of the same millisecond count as later ones
        await setup.backend.webhook_service.create(None, receiver.url, ("*",), "hook", new_secret())
        await setup.dispatch()
        await setup.deliver()
    assert receiver.requests == []


async def test_attempts_are_counted(setup: WebhookSetup) -> None:
    async with webhook_receiver([503, 204, 410]) as receiver:
        await setup.register(receiver.url, "session.created")
        for _ in range(3):
            await setup.commit(*switched_session(switches=0))
            await setup.dispatch()
            await setup.deliver()
    counted = {
        outcome: setup.metrics.registry.get_sample_value(
            "synckairos_webhook_attempts_total", {"outcome": outcome}
        )
        for outcome in ("delivered", "failed", "dead", "dropped")
    }
    assert counted == {"delivered": 1, "failed": 1, "dead": 1, "dropped": 0}


async def test_the_time_of_an_attempt_is_that_of_the_store(setup: WebhookSetup) -> None:
    async with webhook_receiver([500]) as receiver:
        webhook = await setup.register(receiver.url, "session.created")
        await setup.commit(*switched_session(switches=0))
        before = await setup.backend.store.time()
        setup.backend.clock.forget()
        await setup.dispatch()
        await setup.deliver()
        (request,) = receiver.requests
    (attempt,) = await setup.attempts(webhook)
    assert before <= attempt.at <= await setup.backend.store.time()
    assert int(request.headers["webhook-timestamp"]) == attempt.at // 1000
    assert attempt.next_at is not None
    assert attempt.next_at - attempt.at >= DELAYS_MS[0]
