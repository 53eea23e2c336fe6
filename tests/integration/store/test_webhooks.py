"""The store of webhooks: registrations, the queues of messages, and the second reader of the
outbox."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from shared.application.errors import StoreUnavailable
from shared.application.ports.audit_log import NoWebhook
from shared.application.ports.webhooks import (
    Attempt,
    AttemptOutcome,
    ClaimedDelivery,
    Recipient,
    SigningSecret,
    Webhook,
    WebhookMessage,
)
from shared.domain.units import Instant
from shared.domain.values import replace
from shared.store.connection import Arguments, Reply, Script, StoreConnection, load_script
from shared.store.counted_connection import CountedConnection
from shared.store.keys import StoreKeys
from shared.store.outbox import AUDIT, RedisOutbox
from shared.store.webhook_queue import RedisWebhookQueue
from shared.store.webhook_readers import WEBHOOKS, WebhookReaders
from shared.store.webhook_registry import RedisWebhookRegistry

NOW = Instant(1_000)
LATER = Instant(time.time_ns() // 1_000_000 + 3_600_000)
TO = Recipient("hook", "tenant/session")


@pytest.fixture
def queue(connection: StoreConnection, keys: StoreKeys) -> RedisWebhookQueue:
    """The queue under test."""
    return RedisWebhookQueue(connection, keys, most_bytes=1_000)


@pytest.fixture
def registry(connection: StoreConnection, keys: StoreKeys) -> RedisWebhookRegistry:
    """The registry under test."""
    return RedisWebhookRegistry(connection, keys)


def message(version: int, size: int = 10) -> WebhookMessage:
    return WebhookMessage(f"session.{version}", "time.expired", b"b\n" + b"x" * size, version)


def attempt(outcome: AttemptOutcome = "delivered", next_at: Instant | None = None) -> Attempt:
    return Attempt(NOW, "session.1", "time.expired", 1, outcome, next_at=next_at)


async def taken(queue: RedisWebhookQueue) -> list[ClaimedDelivery]:
    return list((await queue.take(10)).deliveries)


async def test_the_messages_of_a_recipient_come_one_after_another(queue: RedisWebhookQueue) -> None:
    assert await queue.add([(TO, message(1)), (TO, message(2))], NOW) == []
    (first,) = await taken(queue)
    assert (first.recipient, first.attempt) == (TO, 1)
    assert await queue.oldest(TO) == message(1)
    assert await taken(queue) == []
    await queue.record(first, attempt())
    (second,) = await taken(queue)
    assert second.attempt == 1
    assert await queue.oldest(TO) == message(2)
    await queue.record(second, attempt())
    assert await taken(queue) == []


async def test_a_failed_message_is_due_again_before_the_next_one(queue: RedisWebhookQueue) -> None:
    await queue.add([(TO, message(1)), (TO, message(2))], NOW)
    (first,) = await taken(queue)
    await queue.record(first, attempt("failed", NOW))
    (again,) = await taken(queue)
    assert again.attempt == 2
    assert await queue.oldest(TO) == message(1)
    await queue.record(again, attempt("failed", LATER))
    waiting = await queue.take(10)
    assert waiting.deliveries == ()
    assert waiting.next_in_ms is not None


async def test_a_postponed_attempt_does_not_count(queue: RedisWebhookQueue) -> None:
    await queue.add([(TO, message(1))], NOW)
    (first,) = await taken(queue)
    await queue.postpone(first, NOW)
    (again,) = await taken(queue)
    assert again.attempt == 1


async def test_a_claim_that_has_ended_records_nothing(queue: RedisWebhookQueue) -> None:
    await queue.add([(TO, message(1))], NOW)
    (first,) = await taken(queue)
    await queue.postpone(first, NOW)
    await queue.record(first, attempt())
    assert len(await taken(queue)) == 1
    assert await queue.oldest(TO) == message(1)
    assert await queue.attempts("hook", None, 10) == []


async def test_recipients_do_not_wait_for_each_other(queue: RedisWebhookQueue) -> None:
    others = [Recipient("hook", "another"), Recipient("other", TO.session_name)]
    await queue.add([(TO, message(1)), *((of, message(1)) for of in others)], NOW)
    assert {claimed.recipient for claimed in await taken(queue)} == {TO, *others}


async def test_messages_that_are_added_again_are_not_repeated(queue: RedisWebhookQueue) -> None:
    both = [(TO, message(1)), (TO, message(2))]
    await queue.add(both, NOW)
    (first,) = await taken(queue)
    await queue.record(first, attempt())
    await queue.add(both, NOW)
    (second,) = await taken(queue)
    assert await queue.oldest(TO) == message(2)
    await queue.record(second, attempt())
    assert await taken(queue) == []


async def test_many_large_messages_are_added_in_order(
    connection: StoreConnection, keys: StoreKeys
) -> None:
    queue = RedisWebhookQueue(connection, keys)
    large = [message(version, 190_000) for version in range(1, 8)]
    assert await queue.add([(TO, one) for one in large], NOW) == []
    found = []
    for _ in large:
        (claimed,) = await taken(queue)
        found.append(await queue.oldest(TO))
        await queue.record(claimed, attempt())
    assert found == large


async def test_a_webhook_has_room_for_limited_bytes_and_gets_them_back(
    queue: RedisWebhookQueue,
) -> None:
    first, second = message(1, 900), message(2, 900)
    assert await queue.add([(TO, first), (TO, second)], NOW) == [(TO, second)]
    other = Recipient("other", TO.session_name)
    assert await queue.add([(other, first)], NOW) == []
    for claimed in await taken(queue):
        await queue.record(claimed, attempt())
    assert await queue.add([(TO, message(3, 900))], NOW) == []


async def test_all_messages_of_a_recipient_are_discarded(
    queue: RedisWebhookQueue, redis: Redis, keys: StoreKeys
) -> None:
    await queue.add([(TO, message(1)), (TO, message(2))], NOW)
    (claimed,) = await taken(queue)
    await queue.discard(claimed)
    await redis.delete(keys.webhook_version(TO.webhook_id, TO.session_name))
    assert await redis.keys() == []


async def test_attempts_are_listed_in_pages(queue: RedisWebhookQueue) -> None:
    logged = [replace(attempt(), attempt=n) for n in range(1, 8)]
    for one in logged:
        await queue.log(Recipient("hook", str(uuid4())), one)
    cursor, found = None, list[Attempt]()
    while page := await queue.attempts("hook", cursor, 3):
        cursor = page[-1][0]
        found += [one for _, one in page]
    # The order of attempts on different shards in the same millisecond isn't defined.
    assert sorted(one.attempt for one in found) == [1, 2, 3, 4, 5, 6, 7]


def webhook(created_at: int) -> Webhook:
    secrets = (SigningSecret("whsec_x"), SigningSecret("whsec_y", Instant(5)))
    return Webhook(str(uuid4()), "https://example.com", ("*",), Instant(created_at), secrets)


async def test_a_tenant_has_its_own_webhooks_up_to_a_limit(registry: RedisWebhookRegistry) -> None:
    later, first, third = webhook(2), webhook(1), webhook(3)
    assert await registry.add("one", later, 2)
    assert await registry.add("one", first, 2)
    assert not await registry.add("one", third, 2)
    assert await registry.add("two", third, 2)
    assert await registry.of("one") == [first, later]
    assert await registry.of(None) == []
    assert await registry.find("two", third.webhook_id) == third
    await registry.remove("two", third.webhook_id)
    assert await registry.find("two", third.webhook_id) is None


async def test_only_an_unchanged_webhook_is_replaced(registry: RedisWebhookRegistry) -> None:
    old = webhook(1)
    off = replace(old, off_reason="410")
    await registry.add(None, old, 10)
    assert await registry.replace(None, old, off)
    assert not await registry.replace(None, old, old)
    assert await registry.of(None) == [off]


async def registered(registry: RedisWebhookRegistry, tenant: str | None = None) -> Webhook:
    """Add a webhook, so that the workers of webhooks read the outbox."""
    added = webhook(0)
    assert await registry.add(tenant, added, 10)
    return added


@pytest.fixture
def readers(connection: StoreConnection, keys: StoreKeys) -> tuple[RedisOutbox, RedisOutbox]:
    """The outbox as the trail's worker and as the worker of webhooks sees it."""
    return (
        RedisOutbox(connection, keys, AUDIT, other=WEBHOOKS),
        RedisOutbox(connection, keys, WEBHOOKS, other=AUDIT),
    )


async def fill_outbox(redis: Redis, keys: StoreKeys, count: int) -> str:
    """Add entries to one shard's outbox; return its key."""
    key = keys.outbox(keys.shard_of("session"))
    for n in range(count):
        await redis.xadd(key, {"entry": str(n)})
    return key


@pytest.mark.parametrize("first", [0, 1])
async def test_an_entry_leaves_the_outbox_when_both_readers_have_settled_it(
    registry: RedisWebhookRegistry,
    readers: tuple[RedisOutbox, RedisOutbox],
    redis: Redis,
    keys: StoreKeys,
    first: int,
) -> None:
    await registered(registry)
    key = await fill_outbox(redis, keys, 5)
    one, two = readers[first], readers[1 - first]
    entries = await one.take("worker", 10)
    assert len(entries) == 5
    await one.settle(entries[:2])
    assert await redis.xlen(key) == 5
    others = await two.take("worker", 10)
    assert others == entries
    await two.settle(others[1:4])
    assert await redis.xlen(key) == 4
    await one.settle(entries[2:])
    assert await redis.xlen(key) == 2
    await two.settle([others[0], others[4]])
    assert await redis.xlen(key) == 0


async def test_each_reader_takes_its_unsettled_entries_again(
    registry: RedisWebhookRegistry,
    readers: tuple[RedisOutbox, RedisOutbox],
    redis: Redis,
    keys: StoreKeys,
) -> None:
    await registered(registry)
    await fill_outbox(redis, keys, 3)
    trail, webhooks = readers
    entries = await trail.take("worker", 10)
    await trail.settle(entries)
    assert await trail.take("worker", 10) == []
    assert await webhooks.take("worker", 10) == await webhooks.take("worker", 10) == entries


async def test_a_dead_letter_stays_for_the_other_reader(
    registry: RedisWebhookRegistry,
    readers: tuple[RedisOutbox, RedisOutbox],
    redis: Redis,
    keys: StoreKeys,
) -> None:
    await registered(registry)
    key = await fill_outbox(redis, keys, 1)
    trail, webhooks = readers
    (entry,) = await trail.take("worker", 10)
    for _ in range(2):
        await trail.move_to_dead_letters(entry, "no good")
    assert await redis.xlen(keys.dead_letters(entry.shard)) == 1
    assert await redis.xlen(key) == 1
    await webhooks.settle(await webhooks.take("worker", 10))
    assert await redis.xlen(key) == 0


async def reads(outbox: RedisOutbox) -> bool:
    """Return whether the workers of webhooks read the outbox, which must have no entries."""
    try:
        assert await outbox.take("worker", 10) == []
    except NoWebhook:
        return False
    return True


async def groups_of(redis: Redis, keys: StoreKeys) -> list[set[str]]:
    """Return the names of the groups that read each shard's outbox."""
    found = []
    for shard in keys.all_shards:
        exists = await redis.exists(keys.outbox(shard))
        groups = await redis.xinfo_groups(keys.outbox(shard)) if exists else []
        found.append({group["name"].decode() for group in groups})
    return found


async def test_without_a_webhook_only_the_trail_reads_the_outbox(
    readers: tuple[RedisOutbox, RedisOutbox], redis: Redis, keys: StoreKeys
) -> None:
    key = await fill_outbox(redis, keys, 3)
    trail, webhooks = readers
    entries = await trail.take("worker", 10)
    assert not await reads(webhooks)
    await trail.settle(entries)
    assert await redis.xlen(key) == 0
    assert set().union(*await groups_of(redis, keys)) == {AUDIT}


async def test_entries_in_flight_when_a_webhook_is_made_leave_the_outbox(
    registry: RedisWebhookRegistry,
    readers: tuple[RedisOutbox, RedisOutbox],
    redis: Redis,
    keys: StoreKeys,
) -> None:
    """Two entries are taken by the trail's worker, and one is not, when the webhook is made."""
    key = await fill_outbox(redis, keys, 3)
    trail, webhooks = readers
    taken = await trail.take("worker", 2)
    await registered(registry)
    await fill_outbox(redis, keys, 1)
    await trail.settle(taken)
    assert await redis.xlen(key) == 2
    (new,) = await webhooks.take("worker", 10)
    assert new.entry == b"0"
    await trail.settle(await trail.take("worker", 10))
    assert await redis.xlen(key) == 1
    await webhooks.settle([new])
    assert await redis.xlen(key) == 0


async def test_entries_in_flight_when_the_last_webhook_is_removed_leave_the_outbox(
    registry: RedisWebhookRegistry,
    readers: tuple[RedisOutbox, RedisOutbox],
    redis: Redis,
    keys: StoreKeys,
) -> None:
    """Of four entries the trail has settled two, and the workers of webhooks have taken one."""
    hook = await registered(registry)
    key = await fill_outbox(redis, keys, 4)
    trail, webhooks = readers
    entries = await trail.take("worker", 10)
    await trail.settle(entries[:2])
    assert len(await webhooks.take("worker", 1)) == 1
    await registry.remove(None, hook.webhook_id)
    rest = await webhooks.take("worker", 10)
    assert rest == entries
    await webhooks.settle(rest)
    assert not await reads(webhooks)
    await trail.settle(entries[2:])
    assert await redis.xlen(key) == 0
    assert set().union(*await groups_of(redis, keys)) == {AUDIT}


async def test_the_workers_read_until_the_last_webhook_of_all_tenants_is_removed(
    registry: RedisWebhookRegistry,
    readers: tuple[RedisOutbox, RedisOutbox],
    redis: Redis,
    keys: StoreKeys,
) -> None:
    _, webhooks = readers
    one, other = await registered(registry, "one"), await registered(registry, "other")
    assert await groups_of(redis, keys) == [{WEBHOOKS}] * keys.shards
    await registry.remove("one", one.webhook_id)
    assert await reads(webhooks)
    await registry.remove("other", other.webhook_id)
    assert not await reads(webhooks)
    assert await groups_of(redis, keys) == [set()] * keys.shards


async def test_a_webhook_that_is_refused_lets_nobody_read(
    registry: RedisWebhookRegistry, readers: tuple[RedisOutbox, RedisOutbox]
) -> None:
    _, webhooks = readers
    assert not await registry.add(None, webhook(1), 0)
    assert not await reads(webhooks)


async def test_a_shard_that_lost_its_data_is_read_again(
    registry: RedisWebhookRegistry, connection: StoreConnection, redis: Redis
) -> None:
    keys = StoreKeys(3)
    of_three = RedisWebhookRegistry(connection, keys)
    await registered(of_three)
    lost = keys.all_shards[1]
    await redis.delete(keys.outbox(lost), keys.webhook_ids(lost))
    webhooks = RedisOutbox(connection, keys, WEBHOOKS, other=AUDIT)
    assert await reads(webhooks)
    await redis.xadd(keys.outbox(lost), {"entry": "1"})
    (entry,) = await webhooks.take("worker", 10)
    assert entry.shard == lost


async def test_a_shard_that_lost_its_data_is_read_again_with_thousands_of_webhooks(
    connection: StoreConnection, redis: Redis
) -> None:
    keys = StoreKeys(3)
    await registered(RedisWebhookRegistry(connection, keys))
    kept, lost, other = keys.all_shards
    names = [str(uuid4()) for _ in range(9_000)]
    await redis.hset(keys.webhooks(None), mapping=dict.fromkeys(names, "{}"))
    for shard in (kept, other):
        await redis.sadd(keys.webhook_ids(shard), *[f"/{name}" for name in names])
    await redis.delete(keys.outbox(lost), keys.webhook_ids(lost))
    assert await reads(RedisOutbox(connection, keys, WEBHOOKS, other=AUDIT))
    assert await redis.scard(keys.webhook_ids(lost)) == 9_001


class Crash(Exception):
    """The process dies."""


async def crash_in(monkeypatch: pytest.MonkeyPatch, method: str, change: Awaitable[object]) -> None:
    """Let the process die in `change` before it changes the readers of other shards."""

    async def die(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(WebhookReaders, method, die)
        with pytest.raises(Crash):
            await change


async def test_after_a_crash_while_a_webhook_is_made_all_shards_are_read(
    connection: StoreConnection, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = StoreKeys(3)
    registry = RedisWebhookRegistry(connection, keys)
    new = webhook(1)
    await crash_in(monkeypatch, "open", registry.add(None, new, 10))
    assert await registry.of(None) == [new]
    assert await reads(RedisOutbox(connection, keys, WEBHOOKS, other=AUDIT))
    assert await groups_of(redis, keys) == [{WEBHOOKS}] * 3


async def test_after_a_crash_while_a_second_webhook_is_made_all_shards_know_it(
    connection: StoreConnection, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = StoreKeys(3)
    registry = RedisWebhookRegistry(connection, keys)
    first = await registered(registry)
    await crash_in(monkeypatch, "open", registry.add("other", webhook(2), 10))
    webhooks = RedisOutbox(connection, keys, WEBHOOKS, other=AUDIT)
    assert await reads(webhooks)
    await registry.remove(None, first.webhook_id)
    assert await reads(webhooks)
    assert await groups_of(redis, keys) == [{WEBHOOKS}] * 3


async def test_a_retry_after_a_crash_lets_all_shards_be_read(
    connection: StoreConnection, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = StoreKeys(3)
    registry = RedisWebhookRegistry(connection, keys)
    new = webhook(1)
    await crash_in(monkeypatch, "open", registry.add(None, new, 10))
    assert not await registry.add(None, new, 10)
    assert await groups_of(redis, keys) == [{WEBHOOKS}] * 3


async def test_after_a_crash_while_the_last_webhook_is_removed_no_shard_is_read(
    registry: RedisWebhookRegistry,
    connection: StoreConnection,
    redis: Redis,
    keys: StoreKeys,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hook = await registered(registry)
    await crash_in(monkeypatch, "close", registry.remove(None, hook.webhook_id))
    webhooks = RedisOutbox(connection, keys, WEBHOOKS, other=AUDIT)
    assert await reads(webhooks)
    assert not await reads(webhooks)
    assert await groups_of(redis, keys) == [set()] * keys.shards


class InterruptedConnection(CountedConnection):
    """A connection that calls `interrupt` before each opening of a shard to the workers."""

    def __init__(
        self, inner: StoreConnection, interrupt: Callable[[Sequence[str]], Awaitable[None]]
    ) -> None:
        super().__init__(inner, lambda _: None)
        self._interrupt = interrupt

    async def run(self, script: Script, keys: Sequence[str], arguments: Arguments) -> Reply:
        if script == load_script("webhook_open"):
            await self._interrupt(keys)
        return await super().run(script, keys, arguments)


async def lists_of(redis: Redis, keys: StoreKeys) -> list[set[str]]:
    """Return the ids of webhooks that each shard has."""
    found: list[Any] = [await redis.smembers(keys.webhook_ids(one)) for one in keys.all_shards]
    return [{member.decode() for member in members} for members in found]


async def test_a_webhook_that_is_removed_during_a_correction_is_on_no_shard(
    connection: StoreConnection, redis: Redis
) -> None:
    keys = StoreKeys(3)
    registry = RedisWebhookRegistry(connection, keys)
    kept, gone = await registered(registry), await registered(registry)
    for shard in keys.all_shards[:2]:
        await redis.srem(keys.webhook_ids(shard), f"/{kept.webhook_id}", f"/{gone.webhook_id}")

    async def remove(_: Sequence[str]) -> None:
        await registry.remove(None, gone.webhook_id)

    interrupted = InterruptedConnection(connection, remove)
    assert await reads(RedisOutbox(interrupted, keys, WEBHOOKS, other=AUDIT))
    assert await lists_of(redis, keys) == [{f"/{kept.webhook_id}"}] * 3


async def test_a_correction_that_did_not_reach_a_shard_is_repeated_at_once(
    connection: StoreConnection, redis: Redis
) -> None:
    keys = StoreKeys(3)
    hook = await registered(RedisWebhookRegistry(connection, keys))
    other = f"/{uuid4()}"
    await redis.hset(keys.webhooks(None), other[1:], "{}")
    await redis.sadd(keys.webhook_ids(keys.webhooks_shard(None)), other)
    (unreachable, _) = (one for one in keys.all_shards if one != keys.webhooks_shard(None))
    outages = [StoreUnavailable()]

    async def fail_once(of: Sequence[str]) -> None:
        if outages and keys.webhook_ids(unreachable) in of:
            raise outages.pop()

    interrupted = InterruptedConnection(connection, fail_once)
    webhooks = RedisOutbox(interrupted, keys, WEBHOOKS, other=AUDIT)
    for _ in range(2):
        assert await reads(webhooks)
    assert await lists_of(redis, keys) == [{f"/{hook.webhook_id}", other}] * 3


async def test_workers_leave_no_consumers_behind(
    readers: tuple[RedisOutbox, RedisOutbox], redis: Redis, keys: StoreKeys
) -> None:
    """One consumer of an earlier release has unsettled entries, and one has none."""
    key = await fill_outbox(redis, keys, 2)
    await redis.xgroup_create(key, AUDIT, "0")
    await redis.xreadgroup(AUDIT, "busy", {key: ">"}, count=1)
    await redis.xgroup_createconsumer(key, AUDIT, "idle")
    trail, _ = readers
    for worker in ("one", "another", "a third"):
        await redis.delete(*(keys.outbox_lease(shard) for shard in keys.all_shards))
        assert len(await trail.take(worker, 10)) == 2
    consumers = await redis.xinfo_consumers(key, AUDIT)
    assert {consumer["name"] for consumer in consumers} == {b"worker"}
