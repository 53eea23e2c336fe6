"""Presence in an instance: what it writes, when, and what it pushes. In virtual time."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise

from functions.container.live.coalesced import CoalescedCall
from functions.container.live.presence_pushes import PresencePushes
from functions.container.live.presence_reports import PresenceEntry, PresenceReports
from shared.application.authorization import Role
from shared.application.errors import StoreUnavailable
from shared.application.event_loop import cancel_and_wait
from shared.application.ports.presence import Connection, Presence
from shared.application.presence import presence_of, total_presence
from shared.application.store_clock import StoreClock
from shared.domain.units import Instant, Millis
from shared.realtime.listener import Listener
from tests.support.virtual_time import in_virtual_time

pytestmark = in_virtual_time

NAME = "a-session"


@dataclass
class Store:
    """A presence store of one instance, with a log of what was written and when (s)."""

    written: list[tuple[float, str, int]] = field(default_factory=list)
    heartbeats: list[float] = field(default_factory=list)
    stored: dict[str, Presence] = field(default_factory=dict)
    reads: int = 0
    is_known: bool = True
    is_down: bool = False
    forgotten: list[str] = field(default_factory=list)
    changed: Callable[[], None] = lambda: None

    async def write(self, name: str, instance: str, presence: Presence | None) -> None:
        self._check()
        connected = presence.summary.connected if presence else 0
        self.written.append((asyncio.get_running_loop().time(), name, connected))
        if presence:
            self.stored[name] = presence
        else:
            self.stored.pop(name, None)
        self.changed()

    async def keep_alive(self, instance: str) -> bool:
        self._check()
        self.heartbeats.append(asyncio.get_running_loop().time())
        was_known, self.is_known = self.is_known, True
        return was_known

    async def forget(self, instance: str) -> None:
        self.forgotten.append(instance)

    async def read(self, name: str) -> Presence:
        self._check()
        self.reads += 1
        return self.stored.get(name, total_presence([]))

    def _check(self) -> None:
        if self.is_down:
            raise StoreUnavailable


class Channels:
    """The pub/sub connection: it has one handler per channel."""

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[[bytes | None], None]] = {}

    def handle(self, channel: str, handler: Callable[[bytes | None], None]) -> None:
        self.handlers[channel] = handler

    def announce(self) -> None:
        for handler in self.handlers.values():
            handler(b"")

    def stop_handling(self, channel: str) -> None:
        del self.handlers[channel]


def connection(number: int, error_ms: int | None = None) -> Connection:
    return Connection(
        connection_id=f"c{number}",
        role=Role.PARTICIPANT,
        transport="websocket",
        connected_at=Instant(number),
        error_ms=None if error_ms is None else Millis(error_ms),
    )


@asynccontextmanager
async def running(work: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(work())
    yield
    await cancel_and_wait([task])


@asynccontextmanager
async def reporting(store: Store) -> AsyncIterator[PresenceReports]:
    reports = PresenceReports(store, "an-instance")
    async with running(reports.run):
        yield reports


async def test_many_changes_are_one_call_and_calls_have_a_distance() -> None:
    calls: list[float] = []
    loop = asyncio.get_running_loop()

    async def act() -> None:
        calls.append(loop.time())

    call = CoalescedCall(act, lambda: 2.0)
    began = loop.time()
    for _ in range(100):
        call.note(1.0)
        await asyncio.sleep(0.1)
    await asyncio.sleep(10)
    assert [round(at - began) for at in calls] == [1, 3, 5, 7, 9, 11]


async def test_an_urgent_change_does_not_wait_for_the_others() -> None:
    calls: list[float] = []
    loop = asyncio.get_running_loop()

    async def act() -> None:
        calls.append(loop.time())

    call, began = CoalescedCall(act, lambda: 1.0), loop.time()
    call.note(15.0)
    call.note(1.0)
    call.note(15.0)
    await asyncio.sleep(60)
    assert [at - began for at in calls] == [1.0]


async def test_calls_never_overlap() -> None:
    active = most = count = 0

    async def act() -> None:
        nonlocal active, most, count
        active, count = active + 1, count + 1
        most = max(most, active)
        await asyncio.sleep(5)
        active -= 1

    call = CoalescedCall(act, lambda: 1.0)
    for _ in range(20):
        call.note(1.0)
        await asyncio.sleep(1)
    await asyncio.sleep(20)
    assert most == 1
    assert count > 2


async def test_connections_of_a_session_are_written_once_a_second_at_most() -> None:
    store = Store()
    async with reporting(store) as reports:
        for number in range(30):
            reports.add(NAME, connection(number))
            await asyncio.sleep(0.09)
        await asyncio.sleep(5)
    instants = [at for at, _, _ in store.written]
    assert all(later - at >= 1 for at, later in pairwise(instants))
    assert (len(instants), store.written[-1][2]) == (3, 30)


async def test_large_sessions_are_written_less_often() -> None:
    store = Store()
    async with reporting(store) as reports:
        for number in range(1_000):
            reports.add(NAME, connection(number))
        await asyncio.sleep(15)
        before = len(store.written)
        for number in range(600):
            reports.remove(NAME, f"c{number}")
            await asyncio.sleep(0.01)
        await asyncio.sleep(20)
    assert len(store.written) - before <= 2
    assert store.written[-1][2] == 400


async def test_the_first_error_of_a_clock_is_written_soon_and_later_ones_rarely() -> None:
    store = Store()
    async with reporting(store) as reports:
        reports.add(NAME, connection(1))
        await asyncio.sleep(2)
        reports.measured(NAME, "c1", Millis(20), Millis(300))
        await asyncio.sleep(2)
        assert len(store.written) == 2
        for error_ms in (90, 35, 15):
            reports.measured(NAME, "c1", Millis(20), Millis(error_ms))
            await asyncio.sleep(1)
        assert len(store.written) == 2
        await asyncio.sleep(15)
        assert len(store.written) == 3
        assert store.stored[NAME].connections[0].error_ms == 15


async def test_an_error_that_stays_in_its_class_is_not_written() -> None:
    store = Store()
    async with reporting(store) as reports:
        reports.add(NAME, connection(1, error_ms=25))
        await asyncio.sleep(2)
        for error_ms in range(21, 41):
            reports.measured(NAME, "c1", Millis(error_ms), Millis(error_ms))
        await asyncio.sleep(100)
    assert len(store.written) == 1


async def test_an_instance_with_quiet_connections_sends_only_heartbeats() -> None:
    store = Store()
    async with reporting(store) as reports:
        reports.add(NAME, connection(1))
        await asyncio.sleep(30)
        written, heartbeats = len(store.written), len(store.heartbeats)
        await asyncio.sleep(600)
        assert len(store.written) == written
        assert len(store.heartbeats) - heartbeats == 30
        await asyncio.sleep(1_000)
        assert len(store.written) == written + 1  # before Redis deletes it


async def test_an_instance_without_connections_sends_nothing() -> None:
    store = Store()
    async with reporting(store) as reports:
        await asyncio.sleep(600)
        assert not store.heartbeats
        reports.add(NAME, connection(1))
        await asyncio.sleep(30)
        reports.remove(NAME, "c1")
        await asyncio.sleep(30)
        heartbeats, written = len(store.heartbeats), len(store.written)
        assert store.written[-1][2] == 0
        await asyncio.sleep(600)
        assert (len(store.heartbeats), len(store.written)) == (heartbeats, written)


async def test_after_an_outage_the_connections_are_written_with_the_next_heartbeat() -> None:
    store = Store()
    async with reporting(store) as reports:
        reports.add("lasting", connection(1))
        reports.add("ending", connection(2))
        await asyncio.sleep(2)
        store.is_down = True
        reports.add("lasting", connection(3))
        reports.remove("ending", "c2")
        await asyncio.sleep(30)
        store.is_down = False
        await asyncio.sleep(45)
        assert set(store.stored) == {"lasting"}
        assert store.stored["lasting"].summary.connected == 2


async def test_a_store_that_has_lost_the_instance_gets_everything_again() -> None:
    store = Store()
    async with reporting(store) as reports:
        reports.add("one", connection(1))
        reports.add("two", connection(2))
        await asyncio.sleep(30)
        store.stored.clear()
        store.is_known = False
        await asyncio.sleep(45)
        assert set(store.stored) == {"one", "two"}


async def test_an_instance_that_stops_removes_its_connections_with_one_call() -> None:
    store = Store()
    async with reporting(store) as reports:
        reports.add(NAME, connection(1))
        await asyncio.sleep(2)
    assert store.forgotten == ["an-instance"]


async def test_an_entry_joins_once_and_keeps_what_its_client_said_before() -> None:
    store = Store()
    async with reporting(store) as reports:
        entry = PresenceEntry(reports, NAME, connection(1))
        entry.measured(Millis(30), Millis(16))
        await asyncio.sleep(5)
        assert not store.written
        entry.join()
        entry.join()
        await asyncio.sleep(5)
        assert store.stored[NAME].connections[0].error_ms == 16
        entry.leave()
        entry.leave()
        await asyncio.sleep(5)
        assert [connected for _, _, connected in store.written] == [1, 0]


@dataclass
class Watcher:
    """A client that watches the presence of the session."""

    pushes: PresencePushes
    channels: Channels
    listener: Listener = field(default_factory=Listener)
    received: list[int] = field(default_factory=list)
    """How many connections each push had."""

    async def consume(self) -> None:
        while True:
            message = json.loads((await self.listener.get()).text)
            assert (message["type"], message["sessionId"]) == ("PRESENCE", "session-id")
            self.received.append(message["presence"]["summary"]["connected"])


@asynccontextmanager
async def watching(store: Store) -> AsyncIterator[Watcher]:
    channels = Channels()
    pushes = PresencePushes(store, channels, lambda name: f"of {name}", StoreClock())
    store.changed = channels.announce
    watcher = Watcher(pushes, channels)
    async with running(pushes.run), running(watcher.consume):
        with pushes.watch(NAME, "session-id", watcher.listener):
            yield watcher


async def test_changes_are_pushed_once_a_second_at_most() -> None:
    store = Store()
    async with watching(store) as watcher:
        await asyncio.sleep(2)
        assert watcher.received == [0]
        for number in range(1, 31):
            await store.write(NAME, "here", total_presence([]))
            store.stored[NAME] = _with(number)
            await asyncio.sleep(0.1)
        await asyncio.sleep(5)
        assert watcher.received[-1] == 30
        assert len(watcher.received) <= 1 + 4


async def test_the_same_presence_is_not_pushed_twice() -> None:
    store = Store(stored={NAME: _with(2)})
    async with watching(store) as watcher:
        await asyncio.sleep(200)
        assert watcher.received == [2]
        assert store.reads > 5


async def test_connections_that_expire_without_an_announcement_are_noticed() -> None:
    store = Store(stored={NAME: _with(2)})
    async with watching(store) as watcher:
        await asyncio.sleep(5)
        del store.stored[NAME]
        await asyncio.sleep(30)
        assert watcher.received == [2, 0]


async def test_a_second_watcher_gets_the_presence_without_a_change() -> None:
    store, second = Store(stored={NAME: _with(2)}), Listener()
    async with watching(store) as watcher:
        await asyncio.sleep(5)
        with watcher.pushes.watch(NAME, "session-id", second):
            await asyncio.sleep(5)
            assert (await second.get()).type == "PRESENCE"


async def test_nothing_is_read_when_nobody_watches_any_more() -> None:
    store = Store()
    async with watching(store) as watcher:
        await asyncio.sleep(5)
    reads = store.reads
    await asyncio.sleep(100)
    assert store.reads == reads
    assert not watcher.channels.handlers


async def test_an_outage_only_delays_a_push() -> None:
    store = Store(stored={NAME: _with(2)}, is_down=True)
    async with watching(store) as watcher:
        await asyncio.sleep(5)
        assert watcher.received == []
        store.is_down = False
        await asyncio.sleep(25)
        assert watcher.received == [2]


def _with(connected: int) -> Presence:
    return presence_of([connection(number) for number in range(connected)])
