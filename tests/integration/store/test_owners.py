"""How many live sessions an owner has, and how many it may have."""

import asyncio
import random
from collections import Counter
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from redis.asyncio import Redis

from shared.domain.events import Change
from shared.domain.units import DAY, HOUR, Instant, Millis
from shared.ports import (
    UNLIMITED,
    AnsweredBefore,
    Commit,
    CommitResult,
    Committed,
    IdempotencyKey,
    OwnerHoldsEnough,
    OwnerLimits,
    SessionStore,
    Superseded,
)
from shared.store.commits import share_of_shard
from shared.store.keys import Keys
from tests.integration.store.commits import new_session, outbox, writing

ALICE = "tenant:alice"


@pytest.fixture
def neighbours(keys: Keys) -> list[Change]:
    """New sessions, all on one shard."""
    changes = [new_session() for _ in range(24)]
    ids = [keys.new_session_id("one shard", None) for _ in changes]
    return [
        replace(change, session=replace(change.session, session_id=session_id))
        for change, session_id in zip(changes, ids, strict=True)
    ]


@pytest.fixture
def room(keys: Keys) -> int:
    """How many of Alice's sessions fit on their shard; she may have three."""
    room = share_of_shard(OwnerLimits(sessions=3), keys).sessions
    assert room == 3
    return 3


def hers(change: Change, expected: str | None = None, **more: Any) -> Commit:
    """A commit of Alice's, who may have three."""
    return writing(
        change, expected, **{"owner": ALICE, "owner_may_hold": OwnerLimits(sessions=3)} | more
    )


async def filled(store: SessionStore, changes: list[Change]) -> list[Commit]:
    """Alice's first three sessions."""
    commits = [hers(change) for change in changes[:3]]
    for commit in commits:
        assert await store.commit(commit) == Committed()
    return commits


async def test_of_many_at_once_as_many_are_made_as_the_owner_may_have(
    store: SessionStore, neighbours: list[Change], redis: Redis
) -> None:
    results: list[CommitResult] = await asyncio.gather(
        *(store.commit(hers(change)) for change in neighbours)
    )
    assert results.count(Committed()) == 3
    assert results.count(OwnerHoldsEnough("sessions")) == len(neighbours) - 3
    assert len(await outbox(redis)) == 3
    assert (await store.census()).live_sessions == 3


async def test_of_one_too_many_nothing_is_written(
    store: SessionStore, neighbours: list[Change], redis: Redis
) -> None:
    await filled(store, neighbours)
    before = {key: await redis.dump(key) async for key in redis.scan_iter("*")}
    change = neighbours[3]
    key = IdempotencyKey(change.session.name, "k1", "fingerprint")
    refused = hers(change, key=key, pushes=[b"{}"])
    assert await store.commit(refused) == OwnerHoldsEnough("sessions")
    assert {key: await redis.dump(key) async for key in redis.scan_iter("*")} == before


@pytest.mark.parametrize("gone", [{"wake_at": None}, {"session": None}])
async def test_a_session_that_is_over_or_deleted_makes_room_for_one(
    store: SessionStore, neighbours: list[Change], gone: dict[str, None]
) -> None:
    first, *_ = await filled(store, neighbours)
    assert await store.commit(hers(neighbours[0], first.operation_id, **gone)) == Committed()
    assert await store.commit(hers(neighbours[3])) == Committed()
    assert await store.commit(hers(neighbours[4])) == OwnerHoldsEnough("sessions")


async def test_sessions_that_are_forgotten_make_room(
    store: SessionStore, neighbours: list[Change], keys: Keys, redis: Redis
) -> None:
    """Two of them at 62 000, sixty seconds after the commit; the third an hour after it."""
    for change, retention in zip(neighbours, [60_000, 60_000, HOUR], strict=False):
        await store.commit(hers(change, retention_ms=Millis(retention)))
    late = [hers(change, now=Instant(61_999)) for change in neighbours[3:]]
    assert await store.commit(late[0]) == OwnerHoldsEnough("sessions")
    for commit in late[1:3]:
        assert await store.commit(replace(commit, now=Instant(62_000))) == Committed()
    assert await store.commit(replace(late[3], now=Instant(62_000))) == OwnerHoldsEnough("sessions")
    tally = keys.owned(keys.shard_of(late[0].name), ALICE)
    assert await redis.zcard(tally) == 3


async def test_a_session_is_forgotten_that_long_after_its_last_change(
    store: SessionStore, neighbours: list[Change]
) -> None:
    first, *_ = await filled(store, neighbours)
    assert (
        await store.commit(hers(neighbours[0], first.operation_id, now=Instant(50_000)))
        == Committed()
    )
    later = [hers(change, now=Instant(62_000)) for change in neighbours[3:6]]
    results = [await store.commit(commit) for commit in later]
    assert results == [Committed(), Committed(), OwnerHoldsEnough("sessions")]


async def test_a_session_that_is_changed_counts_once(
    store: SessionStore, neighbours: list[Change]
) -> None:
    commit = hers(neighbours[0])
    await store.commit(commit)
    for _ in range(5):
        commit = hers(neighbours[0], commit.operation_id)
        assert await store.commit(commit) == Committed()
    assert await store.commit(hers(neighbours[1])) == Committed()


async def test_a_change_of_a_session_is_made_however_many_there_are(
    store: SessionStore, neighbours: list[Change]
) -> None:
    first, *_ = await filled(store, neighbours)
    again = hers(neighbours[0], first.operation_id, owner_may_hold=OwnerLimits(sessions=1))
    assert await store.commit(again) == Committed()


async def test_a_creation_repeated_after_a_lost_reply_is_done_though_there_are_enough(
    store: SessionStore, neighbours: list[Change], redis: Redis
) -> None:
    *_, last = await filled(store, neighbours)
    assert await store.commit(last) == Committed()
    assert len(await outbox(redis)) == 3


async def test_a_recorded_answer_is_given_though_there_are_enough(
    store: SessionStore, neighbours: list[Change]
) -> None:
    await filled(store, neighbours)
    key = IdempotencyKey("one shard", "k1", "fingerprint")
    other = writing(neighbours[3], key=key, owner="tenant:bob")
    assert await store.commit(other) == Committed()
    again = hers(neighbours[4], key=key)
    result = await store.commit(again)
    assert isinstance(result, AnsweredBefore)
    assert result.recorded.fingerprint == "fingerprint"
    assert result.recorded.name == neighbours[3].session.name


async def test_an_id_that_is_taken_is_told_before_that_there_are_enough(
    store: SessionStore, neighbours: list[Change]
) -> None:
    await filled(store, neighbours)
    assert isinstance(await store.commit(hers(neighbours[0])), Superseded)


async def test_owners_are_counted_apart_and_who_owns_nothing_is_not_counted(
    store: SessionStore, neighbours: list[Change], redis: Redis
) -> None:
    for change in neighbours[:5]:
        assert (
            await store.commit(writing(change, owner_may_hold=OwnerLimits(sessions=3)))
            == Committed()
        )
    assert [key async for key in redis.scan_iter("*:owned:*")] == []
    await filled(store, neighbours[5:])
    assert await store.commit(hers(neighbours[8], owner="tenant:bob")) == Committed()
    assert await store.commit(hers(neighbours[9])) == OwnerHoldsEnough("sessions")


async def test_a_session_that_is_put_back_counts_and_is_never_one_too_many(
    store: SessionStore, neighbours: list[Change]
) -> None:
    restored = [hers(change, owner_may_hold=UNLIMITED, changes=()) for change in neighbours[:4]]
    for commit in restored:
        assert await store.commit(commit) == Committed()
    assert await store.commit(hers(neighbours[4])) == OwnerHoldsEnough("sessions")


async def test_pushes_go_out_whether_there_is_an_owner_or_not(
    store: SessionStore, neighbours: list[Change], keys: Keys, redis: Redis
) -> None:
    key = IdempotencyKey("one shard", "k1", "fingerprint")
    async with redis.pubsub() as pubsub:
        await pubsub.psubscribe("*:push:*")
        await pubsub.get_message(timeout=1)
        plain, answered = (hers(change, pushes=[b"one", b"two"]) for change in neighbours[:2])
        for commit in [plain, replace(answered, key=key)]:
            assert await store.commit(commit) == Committed()
            received = [await pubsub.get_message(timeout=1) for _ in range(2)]
            assert [message and message["data"] for message in received] == [b"one", b"two"]
        assert await pubsub.get_message(timeout=0.01) is None


async def test_the_tally_is_kept_longer_than_its_longest_session_and_not_for_ever(
    store: SessionStore, neighbours: list[Change], keys: Keys, redis: Redis
) -> None:
    tally = keys.owned(keys.shard_of(neighbours[0].session.name), ALICE)
    await store.commit(hers(neighbours[0], retention_ms=Millis(90_000)))
    await store.commit(hers(neighbours[1], retention_ms=Millis(30_000)))
    assert 90_000 < await redis.pttl(tally) <= 90_000 + 2 * DAY


async def test_the_last_session_that_goes_takes_the_tally_with_it(
    store: SessionStore, neighbours: list[Change], redis: Redis
) -> None:
    commit = hers(neighbours[0])
    await store.commit(commit)
    await store.commit(hers(neighbours[0], commit.operation_id, wake_at=None))
    assert [key async for key in redis.scan_iter("*:owned:*")] == []


@pytest.mark.parametrize("most", [5, 100, 1000])
@pytest.mark.parametrize("shards", [1, 2, 5, 64])
def test_whoever_spreads_sessions_by_chance_may_have_them_all(most: int, shards: int) -> None:
    keys = Keys(shards)
    room = share_of_shard(OwnerLimits(sessions=most), keys).sessions
    assert room is not None
    chance = random.Random(7)
    for _ in range(20):
        ids = [str(UUID(int=chance.getrandbits(128), version=4)) for _ in range(most)]
        ((_, fullest),) = Counter(map(keys.shard_of, ids)).most_common(1)
        assert fullest <= room


@pytest.mark.parametrize("most", [1, 5, 100, 1000])
@pytest.mark.parametrize("shards", [1, 2, 5, 64])
def test_whoever_chooses_ids_has_little_more(most: int, shards: int) -> None:
    room = share_of_shard(OwnerLimits(sessions=most), Keys(shards)).sessions
    assert room is not None
    assert most <= room * shards <= most + 4 * (most * shards) ** 0.5 + shards
    assert shards > 1 or room == most
