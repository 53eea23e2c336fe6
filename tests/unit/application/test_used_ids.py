"""The filter of used session ids, and when the audit trail must be asked instead."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest

from shared.application import used_ids
from shared.application.errors import AuditUnavailable
from shared.application.ports.data_loss import Epoch
from shared.application.ports.session_store import StoreStatistics
from shared.application.used_ids import UsedIds

_HOUR_MS = 3_600_000
_USED = [str(uuid4()) for _ in range(50)]
_EPOCH: Epoch = ("a time", 1)


class _FakeBackend:
    """The store, its data-loss detector and the audit trail, as far as `UsedIds` calls them."""

    def __init__(self, names: Sequence[str] = _USED) -> None:
        self.trail = sorted(names)
        self.is_trail_down = False
        self.shards: dict[str, Epoch] = {"{s0}": _EPOCH}
        self.outbox_age_ms = 0

    async def names(self, after: str | None, limit: int) -> list[str]:
        if self.is_trail_down:
            raise AuditUnavailable
        return [name for name in self.trail if after is None or name > after][:limit]

    async def epochs(self) -> dict[str, Epoch]:
        return self.shards

    def shard_of(self, name: str) -> str:
        return "{s0}"

    async def statistics(self) -> Any:
        return StoreStatistics(0, 0, self.outbox_age_ms, 0)  # type: ignore[arg-type] # plain milliseconds


def used_ids_of(backend: Any) -> UsedIds:
    """The used ids of `backend`."""
    return UsedIds(backend, backend, backend)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic time, s; tests set its only element."""
    now = [1000.0]
    monkeypatch.setattr("shared.application.used_ids.time.monotonic", lambda: now[0])
    return now


async def test_only_ids_that_the_trail_does_not_hold_are_excluded() -> None:
    used = used_ids_of(_FakeBackend())
    await used.advance()
    assert used.exclude(str(uuid4()), _EPOCH)
    assert not any(used.exclude(name, _EPOCH) for name in _USED)


async def test_nothing_is_excluded_before_the_whole_trail_was_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(used_ids, "_PAGE", 10)
    monkeypatch.setattr(used_ids, "_PAGES_AT_ONCE", 2)
    used, name = used_ids_of(_FakeBackend()), str(uuid4())
    rounds = 0
    while not used.exclude(name, _EPOCH):
        await used.advance()
        rounds += 1
    assert rounds == 3
    assert not any(used.exclude(name, _EPOCH) for name in _USED)


@pytest.mark.parametrize("now", [None, ("another time", 1), ("a time", 2)])
async def test_after_a_possible_data_loss_nothing_is_excluded_until_the_trail_is_read_again(
    now: Epoch | None,
) -> None:
    backend = _FakeBackend()
    used, name = used_ids_of(backend), str(uuid4())
    await used.advance()
    assert not used.exclude(name, now)
    backend.trail = sorted([*backend.trail, name])
    after = now or ("a third time", 1)
    backend.shards = {"{s0}": after}
    assert not used.exclude(name, after)
    await used.advance()
    assert not used.exclude(name, after)
    assert used.exclude(str(uuid4()), after)


async def test_nothing_is_excluded_twelve_hours_after_the_trail_was_read(
    clock: list[float],
) -> None:
    backend = _FakeBackend()
    used, name = used_ids_of(backend), str(uuid4())
    await used.advance()
    backend.is_trail_down = True
    clock[0] += 11 * 3600
    await used.advance()
    assert used.exclude(name, _EPOCH)
    clock[0] += 2 * 3600
    await used.advance()
    assert not used.exclude(name, _EPOCH)


async def test_the_trail_is_read_again_after_six_hours(clock: list[float]) -> None:
    backend = _FakeBackend()
    used, name = used_ids_of(backend), str(uuid4())
    await used.advance()
    backend.trail = sorted([*backend.trail, name])
    clock[0] += 7 * 3600
    await used.advance()
    assert not used.exclude(name, _EPOCH)
    clock[0] += 11 * 3600
    assert used.exclude(str(uuid4()), _EPOCH)


async def test_nothing_is_excluded_while_entries_have_waited_for_hours_in_the_outbox() -> None:
    backend = _FakeBackend()
    backend.outbox_age_ms = 7 * _HOUR_MS
    used, name = used_ids_of(backend), str(uuid4())
    await used.advance()
    assert not used.exclude(name, _EPOCH)
    backend.outbox_age_ms = 0
    await used.advance()
    assert used.exclude(name, _EPOCH)


async def test_an_interrupted_reading_of_the_trail_restarts_at_the_beginning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(used_ids, "_PAGE", 10)
    monkeypatch.setattr(used_ids, "_PAGES_AT_ONCE", 1)
    backend = _FakeBackend()
    used, name = used_ids_of(backend), str(uuid4())
    await used.advance()
    backend.is_trail_down = True
    await used.advance()
    backend.is_trail_down = False
    backend.trail = sorted([*backend.trail, "!" + name])  # before all pages but the first
    for _ in range(10):
        await used.advance()
    assert not used.exclude("!" + name, _EPOCH)


async def test_few_unused_ids_are_taken_for_used() -> None:
    used = used_ids_of(_FakeBackend([str(uuid4()) for _ in range(20_000)]))
    for _ in range(3):
        await used.advance()
    unused = [str(uuid4()) for _ in range(2_000)]
    assert sum(not used.exclude(name, _EPOCH) for name in unused) < 20
