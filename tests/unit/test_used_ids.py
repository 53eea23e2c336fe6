"""What an instance knows of the ids in the trail, and when it must ask the trail."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest

from shared import used_ids
from shared.errors import AuditUnavailable
from shared.ports import Census, Epoch
from shared.used_ids import UsedIds

_HOUR_MS = 3_600_000
_USED = [str(uuid4()) for _ in range(50)]
_EPOCH: Epoch = ("a time", 1)


class _World:
    """A store, its memory and the trail, as far as `UsedIds` asks them."""

    def __init__(self, names: Sequence[str] = _USED) -> None:
        self.trail = sorted(names)
        self.is_trail_away = False
        self.shards: dict[str, Epoch] = {"{s0}": _EPOCH}
        self.outbox_age_ms = 0

    async def names(self, after: str | None, limit: int) -> list[str]:
        if self.is_trail_away:
            raise AuditUnavailable
        return [name for name in self.trail if after is None or name > after][:limit]

    async def epochs(self) -> dict[str, Epoch]:
        return self.shards

    def shard_of(self, name: str) -> str:
        return "{s0}"

    async def census(self) -> Any:
        return Census(0, 0, self.outbox_age_ms, 0)  # type: ignore[arg-type] # plain milliseconds


def used_ids_of(world: Any) -> UsedIds:
    """The ids that are used in that world."""
    return UsedIds(world, world, world)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic time, s, to be set."""
    now = [1000.0]
    monkeypatch.setattr("shared.used_ids.time.monotonic", lambda: now[0])
    return now


async def test_an_id_that_the_trail_does_not_hold_is_excluded_and_no_other() -> None:
    used = used_ids_of(_World())
    await used.advance()
    assert used.exclude(str(uuid4()), _EPOCH)
    assert not any(used.exclude(name, _EPOCH) for name in _USED)


async def test_nothing_is_excluded_before_the_whole_trail_was_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(used_ids, "_PAGE", 10)
    monkeypatch.setattr(used_ids, "_PAGES_AT_ONCE", 2)
    used, name = used_ids_of(_World()), str(uuid4())
    rounds = 0
    while not used.exclude(name, _EPOCH):
        await used.advance()
        rounds += 1
    assert rounds == 3
    assert not any(used.exclude(name, _EPOCH) for name in _USED)


@pytest.mark.parametrize("now", [None, ("another time", 1), ("a time", 2)])
async def test_nothing_is_excluded_where_redis_may_have_lost_something_until_the_trail_is_read_anew(
    now: Epoch | None,
) -> None:
    world = _World()
    used, name = used_ids_of(world), str(uuid4())
    await used.advance()
    assert not used.exclude(name, now)
    world.trail = sorted([*world.trail, name])
    after = now or ("a third time", 1)
    world.shards = {"{s0}": after}
    assert not used.exclude(name, after)
    await used.advance()
    assert not used.exclude(name, after)
    assert used.exclude(str(uuid4()), after)


async def test_what_was_read_is_not_trusted_for_as_long_as_redis_remembers_ids(
    clock: list[float],
) -> None:
    world = _World()
    used, name = used_ids_of(world), str(uuid4())
    await used.advance()
    world.is_trail_away = True
    clock[0] += 11 * 3600
    await used.advance()
    assert used.exclude(name, _EPOCH)
    clock[0] += 2 * 3600
    await used.advance()
    assert not used.exclude(name, _EPOCH)


async def test_the_trail_is_read_anew_in_time(clock: list[float]) -> None:
    world = _World()
    used, name = used_ids_of(world), str(uuid4())
    await used.advance()
    world.trail = sorted([*world.trail, name])
    clock[0] += 7 * 3600
    await used.advance()
    assert not used.exclude(name, _EPOCH)
    clock[0] += 11 * 3600
    assert used.exclude(str(uuid4()), _EPOCH)


async def test_nothing_is_excluded_while_entries_wait_for_hours_on_their_way_to_the_trail() -> None:
    world = _World()
    world.outbox_age_ms = 7 * _HOUR_MS
    used, name = used_ids_of(world), str(uuid4())
    await used.advance()
    assert not used.exclude(name, _EPOCH)
    world.outbox_age_ms = 0
    await used.advance()
    assert used.exclude(name, _EPOCH)


async def test_the_trail_is_read_from_its_beginning_where_it_was_away_in_between(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(used_ids, "_PAGE", 10)
    monkeypatch.setattr(used_ids, "_PAGES_AT_ONCE", 1)
    world = _World()
    used, name = used_ids_of(world), str(uuid4())
    await used.advance()
    world.is_trail_away = True
    await used.advance()
    world.is_trail_away = False
    world.trail = sorted([*world.trail, "!" + name])  # before all pages but the first
    for _ in range(10):
        await used.advance()
    assert not used.exclude("!" + name, _EPOCH)


async def test_few_unused_ids_are_taken_for_used_ones() -> None:
    used = used_ids_of(_World([str(uuid4()) for _ in range(20_000)]))
    for _ in range(3):
        await used.advance()
    strangers = [str(uuid4()) for _ in range(2_000)]
    assert sum(not used.exclude(name, _EPOCH) for name in strangers) < 20
