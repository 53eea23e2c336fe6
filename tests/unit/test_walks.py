"""Walks through an outbox that many callers share."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from shared.errors import StoreUnavailable
from shared.store.walks import Walks


class _Outbox:
    """Entries that begin with the name of their session; counts the walks through them."""

    def __init__(self) -> None:
        self.entries: list[bytes] = []
        self.walks = 0
        self.is_away = False
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def read(self) -> AsyncIterator[bytes]:
        self.walks += 1
        for entry in list(self.entries):
            yield entry
        await self.may_go_on.wait()
        if self.is_away:
            raise StoreUnavailable


def _walks(outbox: _Outbox) -> Walks:
    return Walks(outbox.read, lambda entry: entry.decode().split(":")[0])


async def test_each_caller_is_told_of_its_own_sessions_in_order() -> None:
    outbox = _Outbox()
    outbox.entries = [b"one:1", b"two:1", b"one:2"]
    found = await _walks(outbox).entries_of(["one", "three"])
    assert found == {"one": [b"one:1", b"one:2"], "three": []}


async def test_callers_that_come_during_a_walk_share_the_next_one() -> None:
    outbox = _Outbox()
    walks = _walks(outbox)
    outbox.may_go_on.clear()
    first = asyncio.create_task(walks.entries_of(["one"]))
    while not outbox.walks:
        await asyncio.sleep(0)
    outbox.entries = [b"two:1"]
    others = [asyncio.create_task(walks.entries_of(["two"])) for _ in range(100)]
    await asyncio.sleep(0)
    outbox.may_go_on.set()
    assert await first == {"one": []}
    assert [await other for other in others] == [{"two": [b"two:1"]}] * 100
    assert outbox.walks == 2


async def test_a_caller_who_leaves_does_not_end_the_walk_of_the_others() -> None:
    outbox = _Outbox()
    walks = _walks(outbox)
    outbox.may_go_on.clear()
    leaving = asyncio.create_task(walks.entries_of(["one"]))
    staying = asyncio.create_task(walks.entries_of(["one"]))
    while not outbox.walks:
        await asyncio.sleep(0)
    leaving.cancel()
    outbox.may_go_on.set()
    assert await staying == {"one": []}


async def test_a_walk_that_fails_fails_for_its_callers_alone() -> None:
    outbox = _Outbox()
    walks = _walks(outbox)
    outbox.is_away = True
    with pytest.raises(StoreUnavailable):
        await walks.entries_of(["one"])
    outbox.is_away = False
    assert await walks.entries_of(["one"]) == {"one": []}
