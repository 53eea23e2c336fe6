"""Walks through an outbox that many callers share."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass, field

Entries = Mapping[str, list[bytes]]


@dataclass(slots=True)
class _Walk:
    """A walk that hasn't begun: the sessions that it is to look for, and what it will find."""

    names: set[str] = field(default_factory=set)
    found: "asyncio.Future[Entries]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Walks:
    """At most one walk at a time through the entries that `read` yields.

    Callers that come while one is under way share the next one: a walk must begin after the
    question, or it could miss what the caller has seen elsewhere. Between two walks the outbox is
    left alone for as long as the last one took, so that questions never take more than half of the
    time, however many come.
    """

    def __init__(
        self,
        read: Callable[[], AsyncIterator[bytes]],
        owner_of: Callable[[bytes], str | None],
    ) -> None:
        self._read = read
        self._owner_of = owner_of
        self._next: _Walk | None = None
        self._walking: asyncio.Task[None] | None = None

    async def entries_of(self, names: Collection[str]) -> Entries:
        """The entries of each of the sessions named, oldest first; raises what `read` raises."""
        if self._next is None:
            self._next = _Walk()
        walk = self._next
        walk.names.update(names)
        if self._walking is None or self._walking.done():
            self._walking = asyncio.create_task(self._walk_on())
        found = await asyncio.shield(walk.found)
        return {name: found[name] for name in names}

    async def _walk_on(self) -> None:
        while self._next is not None:
            walk, self._next = self._next, None
            began = time.monotonic()
            try:
                found = await self._walk(walk.names)
            except Exception as error:
                walk.found.set_exception(error)
                walk.found.exception()  # its callers may all have left
            else:
                walk.found.set_result(found)
            if self._next is not None:
                await asyncio.sleep(time.monotonic() - began)

    async def _walk(self, names: Collection[str]) -> Entries:
        found: dict[str, list[bytes]] = {name: [] for name in names}
        async for entry in self._read():
            owner = self._owner_of(entry)
            if owner in found:
                found[owner].append(entry)
        return found
