"""An owner's live sessions are counted and limited."""

import asyncio
import random
from collections import Counter
from typing import Any
from uuid import UUID

import pytest
from redis.asyncio import Redis

from shared.application.ports.commit import (
    UNLIMITED,
    Commit,
    CommitResult,
    Committed,
    DuplicateRequest,
    IdempotencyKey,
    OwnerLimits,
    QuotaExceeded,
    RevisionConflict,
)
from shared.application.ports.push_message import PushMessage
from shared.application.ports.session_store import SessionStore
from shared.domain.events import SessionChange
from shared.domain.units import DAY, HOUR, Instant, Millis
from shared.domain.values import replace
from shared.store.commit_script import limits_per_shard
from shared.store.keys import StoreKeys
from tests.integration.store.commits import commit_for, new_session, outbox

ALICE = "tenant:alice"


@pytest.fixture
def same_shard_changes(keys: StoreKeys) -> list[SessionChange]:
    """New sessions, all on one shard."""
    changes = [new_session() for _ in range(24)]
    ids = [keys.new_session_id("one shard", None) for _ in changes]
    return [
        replace(change, session=replace(change.session, session_id=session_id))
        for change, session_id in zip(changes, ids, strict=True)
    ]


@pytest.fixture
def share(keys: StoreKeys) -> int:
    """The number of Alice's sessions that fit on a shard; her limit is three."""
    share = limits_per_shard(OwnerLimits(sessions=3), keys).sessions
    assert share == 3
    return 3


def alices_commit(change: SessionChange, expected: str | None = None, **more: Any) -> Commit:
    """Return a commit of Alice's, whose limit is three sessions."""
    return commit_for(
        change, expected, **{"owner": ALICE, "owner_limits": OwnerLimits(sessions=3)} | more
    )


async def create_three(store: SessionStore, changes: list[SessionChange]) -> list[Commit]:
    """Create Alice's first three sessions; return their commits."""
    commits = [alices_commit(change) for change in changes[:3]]
    for commit in commits:
        assert await store.commit(commit) == Committed()
    return commits


async def test_concurrent_creations_stop_at_the_owner_s_limit(
    store: SessionStore, same_shard_changes: list[SessionChange], redis: Redis
) -> None:
    results: list[CommitResult] = await asyncio.gather(
        *(store.commit(alices_commit(change)) for change in same_shard_changes)
    )
    assert results.count(Committed()) == 3
    assert results.count(QuotaExceeded("sessions")) == len(same_shard_changes) - 3
    assert len(await outbox(redis)) == 3
    assert (await store.statistics()).live_sessions == 3


async def test_a_creation_above_the_limit_writes_nothing(
    store: SessionStore, same_shard_changes: list[SessionChange], redis: Redis
) -> None:
    await create_three(store, same_shard_changes)
    before = {key: await redis.dump(key) async for key in redis.scan_iter("*")}
    change = same_shard_changes[3]
    key = IdempotencyKey(change.session.name, "k1", "fingerprint")
    refused = alices_commit(change, key=key, pushes=[PushMessage(b"{}")])
    assert await store.commit(refused) == QuotaExceeded("sessions")
    assert {key: await redis.dump(key) async for key in redis.scan_iter("*")} == before


@pytest.mark.parametrize("gone", [{"wake_at": None}, {"session": None}])
async def test_an_ended_or_deleted_session_makes_room_for_one(
    store: SessionStore, same_shard_changes: list[SessionChange], gone: dict[str, None]
) -> None:
    first, *_ = await create_three(store, same_shard_changes)
    assert (
        await store.commit(alices_commit(same_shard_changes[0], first.operation_id, **gone))
        == Committed()
    )
    assert await store.commit(alices_commit(same_shard_changes[3])) == Committed()
    assert await store.commit(alices_commit(same_shard_changes[4])) == QuotaExceeded("sessions")


async def test_sessions_past_their_retention_make_room(
    store: SessionStore, same_shard_changes: list[SessionChange], keys: StoreKeys, redis: Redis
) -> None:
    """Two sessions expire at 62 000, sixty seconds after the commit; the third an hour later."""
    for change, retention in zip(same_shard_changes, [60_000, 60_000, HOUR], strict=False):
        await store.commit(alices_commit(change, retention_ms=Millis(retention)))
    late = [alices_commit(change, now=Instant(61_999)) for change in same_shard_changes[3:]]
    assert await store.commit(late[0]) == QuotaExceeded("sessions")
    for commit in late[1:3]:
        assert await store.commit(replace(commit, now=Instant(62_000))) == Committed()
    assert await store.commit(replace(late[3], now=Instant(62_000))) == QuotaExceeded("sessions")
    count_key = keys.owned(keys.shard_of(late[0].name), ALICE)
    assert await redis.zcard(count_key) == 3


async def test_the_retention_begins_with_the_last_change(
    store: SessionStore, same_shard_changes: list[SessionChange]
) -> None:
    first, *_ = await create_three(store, same_shard_changes)
    assert (
        await store.commit(
            alices_commit(same_shard_changes[0], first.operation_id, now=Instant(50_000))
        )
        == Committed()
    )
    later = [alices_commit(change, now=Instant(62_000)) for change in same_shard_changes[3:6]]
    results = [await store.commit(commit) for commit in later]
    assert results == [Committed(), Committed(), QuotaExceeded("sessions")]


async def test_a_changed_session_counts_once(
    store: SessionStore, same_shard_changes: list[SessionChange]
) -> None:
    commit = alices_commit(same_shard_changes[0])
    await store.commit(commit)
    for _ in range(5):
        commit = alices_commit(same_shard_changes[0], commit.operation_id)
        assert await store.commit(commit) == Committed()
    assert await store.commit(alices_commit(same_shard_changes[1])) == Committed()


async def test_changes_are_accepted_above_the_limit(
    store: SessionStore, same_shard_changes: list[SessionChange]
) -> None:
    first, *_ = await create_three(store, same_shard_changes)
    again = alices_commit(
        same_shard_changes[0], first.operation_id, owner_limits=OwnerLimits(sessions=1)
    )
    assert await store.commit(again) == Committed()


async def test_a_creation_repeated_after_a_lost_reply_succeeds_at_the_limit(
    store: SessionStore, same_shard_changes: list[SessionChange], redis: Redis
) -> None:
    *_, last = await create_three(store, same_shard_changes)
    assert await store.commit(last) == Committed()
    assert len(await outbox(redis)) == 3


async def test_a_recorded_answer_is_returned_at_the_limit(
    store: SessionStore, same_shard_changes: list[SessionChange]
) -> None:
    await create_three(store, same_shard_changes)
    key = IdempotencyKey("one shard", "k1", "fingerprint")
    other = commit_for(same_shard_changes[3], key=key, owner="tenant:bob")
    assert await store.commit(other) == Committed()
    again = alices_commit(same_shard_changes[4], key=key)
    result = await store.commit(again)
    assert isinstance(result, DuplicateRequest)
    assert result.recorded.fingerprint == "fingerprint"
    assert result.recorded.name == same_shard_changes[3].session.name


async def test_an_id_conflict_is_reported_before_an_exceeded_limit(
    store: SessionStore, same_shard_changes: list[SessionChange]
) -> None:
    await create_three(store, same_shard_changes)
    assert isinstance(await store.commit(alices_commit(same_shard_changes[0])), RevisionConflict)


async def test_owners_are_counted_separately_and_unowned_sessions_are_not_counted(
    store: SessionStore, same_shard_changes: list[SessionChange], redis: Redis
) -> None:
    for change in same_shard_changes[:5]:
        assert (
            await store.commit(commit_for(change, owner_limits=OwnerLimits(sessions=3)))
            == Committed()
        )
    assert [key async for key in redis.scan_iter("*:owned:*")] == []
    await create_three(store, same_shard_changes[5:])
    assert (
        await store.commit(alices_commit(same_shard_changes[8], owner="tenant:bob")) == Committed()
    )
    assert await store.commit(alices_commit(same_shard_changes[9])) == QuotaExceeded("sessions")


async def test_restored_sessions_count_and_are_never_refused(
    store: SessionStore, same_shard_changes: list[SessionChange]
) -> None:
    restored = [
        alices_commit(change, owner_limits=UNLIMITED, changes=())
        for change in same_shard_changes[:4]
    ]
    for commit in restored:
        assert await store.commit(commit) == Committed()
    assert await store.commit(alices_commit(same_shard_changes[4])) == QuotaExceeded("sessions")


async def test_pushes_of_owned_sessions_are_published(
    store: SessionStore, same_shard_changes: list[SessionChange], keys: StoreKeys, redis: Redis
) -> None:
    key = IdempotencyKey("one shard", "k1", "fingerprint")
    async with redis.pubsub() as pubsub:
        await pubsub.psubscribe("*:push:*")
        await pubsub.get_message(timeout=30)
        plain, answered = (
            alices_commit(change, pushes=[PushMessage(b"one"), PushMessage(b"two")])
            for change in same_shard_changes[:2]
        )
        for commit in [plain, replace(answered, key=key)]:
            assert await store.commit(commit) == Committed()
            received = [await pubsub.get_message(timeout=30) for _ in range(2)]
            assert [message and message["data"] for message in received] == [b"one", b"two"]
        assert await pubsub.get_message(timeout=0.01) is None


async def test_an_owner_s_count_expires_after_the_longest_retention(
    store: SessionStore, same_shard_changes: list[SessionChange], keys: StoreKeys, redis: Redis
) -> None:
    count_key = keys.owned(keys.shard_of(same_shard_changes[0].session.name), ALICE)
    await store.commit(alices_commit(same_shard_changes[0], retention_ms=Millis(90_000)))
    await store.commit(alices_commit(same_shard_changes[1], retention_ms=Millis(30_000)))
    assert 90_000 < await redis.pttl(count_key) <= 90_000 + 2 * DAY


async def test_the_last_ended_session_removes_the_owner_s_count(
    store: SessionStore, same_shard_changes: list[SessionChange], redis: Redis
) -> None:
    commit = alices_commit(same_shard_changes[0])
    await store.commit(commit)
    await store.commit(alices_commit(same_shard_changes[0], commit.operation_id, wake_at=None))
    assert [key async for key in redis.scan_iter("*:owned:*")] == []


@pytest.mark.parametrize("most", [5, 100, 1000])
@pytest.mark.parametrize("shards", [1, 2, 5, 64])
def test_randomly_distributed_sessions_reach_the_whole_limit(most: int, shards: int) -> None:
    keys = StoreKeys(shards)
    share = limits_per_shard(OwnerLimits(sessions=most), keys).sessions
    assert share is not None
    rng = random.Random(7)
    for _ in range(20):
        ids = [str(UUID(int=rng.getrandbits(128), version=4)) for _ in range(most)]
        ((_, fullest),) = Counter(map(keys.shard_of, ids)).most_common(1)
        assert fullest <= share


@pytest.mark.parametrize("most", [1, 5, 100, 1000])
@pytest.mark.parametrize("shards", [1, 2, 5, 64])
def test_chosen_ids_exceed_the_limit_only_slightly(most: int, shards: int) -> None:
    share = limits_per_shard(OwnerLimits(sessions=most), StoreKeys(shards)).sessions
    assert share is not None
    assert most <= share * shards <= most + 4 * (most * shards) ** 0.5 + shards
    assert shards > 1 or share == most
