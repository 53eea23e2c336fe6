"""Scans of an outbox that concurrent callers share."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass, field

Entries = Mapping[str, list[bytes]]


@dataclass(slots=True)
class _Scan:
    """A scan that hasn't begun: the sessions to look for, and the future result."""

    names: set[str] = field(default_factory=set)
    found: "asyncio.Future[Entries]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class SharedScans:
    """Scans the entries that `read` yields, one scan at a time.

    Callers that come during a scan share the next one: a scan must begin after the call, or it
    could miss an entry that the caller knows of. Between two scans there is a pause as long as the
    last scan, so that scans never take more than half of the time. `owner_of` returns the session
    name of an entry.
    """

    def __init__(
        self,
        read: Callable[[], AsyncIterator[bytes]],
        owner_of: Callable[[bytes], str | None],
    ) -> None:
        self._read = read
        self._owner_of = owner_of
        self._next: _Scan | None = None
        self._scanning: asyncio.Task[None] | None = None

    async def entries_of(self, names: Collection[str]) -> Entries:
        """Return the entries of each named session, oldest first. Raises whatever `read` raises."""
        if self._next is None:
            self._next = _Scan()
        scan = self._next
        scan.names.update(names)
        if self._scanning is None or self._scanning.done():
            self._scanning = asyncio.create_task(self._run_scans())
        found = await asyncio.shield(scan.found)
        return {name: found[name] for name in names}

    async def _run_scans(self) -> None:
        while self._next is not None:
            scan, self._next = self._next, None
            began = time.monotonic()
            try:
                found = await self._scan(scan.names)
            except Exception as error:
                scan.found.set_exception(error)
                scan.found.exception()  # mark it as retrieved: the callers may all have left
            else:
                scan.found.set_result(found)
            if self._next is not None:
                await asyncio.sleep(time.monotonic() - began)

    async def _scan(self, names: Collection[str]) -> Entries:
        found: dict[str, list[bytes]] = {name: [] for name in names}
        async for entry in self._read():
            owner = self._owner_of(entry)
            if owner in found:
                found[owner].append(entry)
        return found
