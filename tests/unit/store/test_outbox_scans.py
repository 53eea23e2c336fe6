"""Scans of the outbox that concurrent callers share."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from shared.application.errors import StoreUnavailable
from shared.store.outbox_scans import SharedScans


class _Outbox:
    """Entries that begin with the name of their session; counts its scans."""

    def __init__(self) -> None:
        self.entries: list[bytes] = []
        self.scans = 0
        self.is_down = False
        self.may_continue = asyncio.Event()
        self.may_continue.set()

    async def read(self) -> AsyncIterator[bytes]:
        self.scans += 1
        for entry in list(self.entries):
            yield entry
        await self.may_continue.wait()
        if self.is_down:
            raise StoreUnavailable


def _walks(outbox: _Outbox) -> SharedScans:
    return SharedScans(outbox.read, lambda entry: entry.decode().split(":")[0])


async def test_each_caller_gets_the_entries_of_its_sessions_in_order() -> None:
    outbox = _Outbox()
    outbox.entries = [b"one:1", b"two:1", b"one:2"]
    found = await _walks(outbox).entries_of(["one", "three"])
    assert found == {"one": [b"one:1", b"one:2"], "three": []}


async def test_callers_that_come_during_a_scan_share_the_next_one() -> None:
    outbox = _Outbox()
    walks = _walks(outbox)
    outbox.may_continue.clear()
    first = asyncio.create_task(walks.entries_of(["one"]))
    while not outbox.scans:
        await asyncio.sleep(0)
    outbox.entries = [b"two:1"]
    others = [asyncio.create_task(walks.entries_of(["two"])) for _ in range(100)]
    await asyncio.sleep(0)
    outbox.may_continue.set()
    assert await first == {"one": []}
    assert [await other for other in others] == [{"two": [b"two:1"]}] * 100
    assert outbox.scans == 2


async def test_a_cancelled_caller_does_not_end_the_scan_of_the_others() -> None:
    outbox = _Outbox()
    walks = _walks(outbox)
    outbox.may_continue.clear()
    leaving = asyncio.create_task(walks.entries_of(["one"]))
    staying = asyncio.create_task(walks.entries_of(["one"]))
    while not outbox.scans:
        await asyncio.sleep(0)
    leaving.cancel()
    outbox.may_continue.set()
    assert await staying == {"one": []}


async def test_a_failed_scan_fails_only_for_its_callers() -> None:
    outbox = _Outbox()
    walks = _walks(outbox)
    outbox.is_down = True
    with pytest.raises(StoreUnavailable):
        await walks.entries_of(["one"])
    outbox.is_down = False
    assert await walks.entries_of(["one"]) == {"one": []}
