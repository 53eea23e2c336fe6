"""The server's clock as a client sees it: no more certain than its samples, and never backwards."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from synckairos.clock import ServerClock
from synckairos.errors import Unreachable
from synckairos.interval import Sample
from synckairos.platform import Platform

from tests.clients import virtual

_SERVER_MS = 1_000_000.0
"""What the server's clock shows when the local one shows zero."""


class Machine:
    """Local clocks that a test moves, ms."""

    def __init__(self) -> None:
        self.monotonic = 0.0
        self.wall = 5_000.0

    def clock(self, read: Callable[[], Awaitable[float]] | None = None) -> ServerClock:
        """A clock of this machine."""
        local = Platform(
            monotonic=lambda: self.monotonic, wall=lambda: self.wall, resolution_ms=0.001
        )
        return ServerClock(read or _never, local)

    def passes(self, ms: float) -> None:
        """Let time pass."""
        self.monotonic += ms
        self.wall += ms


async def _never() -> float:
    raise Unreachable


def sampled(machine: Machine, clock: ServerClock, there: float, back: float) -> None:
    """Take a sample that needed so long each way, from now on."""
    sent = machine.monotonic
    machine.passes(there + back)
    clock.take(Sample(sent, _SERVER_MS + sent + there, machine.monotonic))


def test_before_the_first_sample_it_is_the_wall_clock_and_knows_nothing() -> None:
    machine = Machine()
    clock = machine.clock()
    assert clock.now() == machine.wall
    assert clock.error_ms == float("inf")
    assert not clock.is_synced


def test_the_truth_is_within_the_round_trip() -> None:
    machine = Machine()
    clock = machine.clock()
    sampled(machine, clock, there=90, back=10)
    assert abs(clock.now() - _SERVER_MS - machine.monotonic) <= clock.error_ms < 52


def test_two_samples_that_were_slow_on_different_ways_tell_more_than_each() -> None:
    machine = Machine()
    clock = machine.clock()
    sampled(machine, clock, there=90, back=10)
    sampled(machine, clock, there=10, back=90)
    machine.passes(1_000)
    assert clock.error_ms < 12
    assert abs(clock.now() - _SERVER_MS - machine.monotonic) < 2


def test_a_bound_grows_with_its_age() -> None:
    machine = Machine()
    clock = machine.clock()
    sampled(machine, clock, 1, 1)
    fresh = clock.error_ms
    machine.passes(100_000)
    assert clock.error_ms == pytest.approx(fresh + 12)


def test_a_correction_backwards_is_slewed_and_counts_until_it_is_made_up_for() -> None:
    machine = Machine()
    clock = machine.clock()
    sampled(machine, clock, there=100, back=10)  # the middle is 45 ms ahead of the truth
    shown = clock.now()
    machine.monotonic -= 0.5  # so that the next sample is taken at once
    machine.wall -= 0.5
    sampled(machine, clock, there=0.25, back=0.25)
    assert clock.now() == pytest.approx(shown, abs=0.01)
    assert clock.error_ms > 44
    machine.passes(100)
    assert clock.now() == pytest.approx(shown + 90, abs=0.01)
    machine.passes(1_000)
    assert abs(clock.now() - _SERVER_MS - machine.monotonic) <= clock.error_ms < 2


def test_a_correction_forwards_is_made_at_once() -> None:
    machine = Machine()
    clock = machine.clock()
    sampled(machine, clock, there=10, back=100)
    sampled(machine, clock, there=0.25, back=0.25)
    assert clock.error_ms < 2


def test_a_sample_that_contradicts_all_others_begins_anew() -> None:
    machine = Machine()
    clock = machine.clock()
    sampled(machine, clock, 1, 1)
    clock.take(Sample(machine.monotonic, _SERVER_MS - 60_000, machine.monotonic + 2))
    assert abs(clock.now() - (_SERVER_MS - 60_000)) < 4
    assert clock.error_ms < 3


@pytest.mark.parametrize("leap_ms", [-3_600_000, -251, 251, 3_600_000])
def test_when_wall_and_monotonic_clock_part_nothing_is_known(leap_ms: float) -> None:
    machine = Machine()
    clock = machine.clock()
    sampled(machine, clock, 1, 1)
    machine.wall += leap_ms
    assert clock.error_ms == float("inf")
    assert not clock.is_synced
    sampled(machine, clock, 5, 5)
    assert clock.is_synced
    assert clock.error_ms > 5  # the better sample from before counts no more


async def test_a_sample_that_was_under_way_while_the_machine_slept_is_no_sample() -> None:
    machine = Machine()

    async def read() -> float:
        machine.wall += 60_000  # suspended, which the monotonic clock doesn't notice
        return _SERVER_MS

    clock = machine.clock(read)
    await clock.sync(samples=1)
    assert not clock.is_synced


async def _sampled_at(until_s: float, *, sleeps_at_s: float | None = None) -> list[float]:
    """When samples were taken, s."""
    taken: list[float] = []
    leap_ms = 0.0

    async def read() -> float:
        await asyncio.sleep(0.01)
        taken.append(virtual.now_ms() / 1000)
        return _SERVER_MS + virtual.now_ms()

    local = Platform(monotonic=virtual.now_ms, wall=lambda: virtual.now_ms() + leap_ms)
    clock = ServerClock(read, local)
    clock.start()
    if sleeps_at_s is not None:
        await asyncio.sleep(sleeps_at_s)
        leap_ms = 60_000.0
    await asyncio.sleep(until_s - virtual.now_ms() / 1000)
    await clock.close()
    return taken


def test_it_is_measured_again_when_it_is_calm_and_then_now_and_then() -> None:
    async def check() -> None:
        taken = await _sampled_at(65)
        assert [
            sum(1 for at in taken if since <= at < since + 1) for since in (0, 1.5, 31, 61)
        ] == [
            8,
            8,
            3,
            3,
        ]

    virtual.run(check())


def test_it_is_measured_at_once_after_sleep() -> None:
    async def check() -> None:
        taken = await _sampled_at(20, sleeps_at_s=10)
        assert [at for at in taken if at > 3][:1] == [pytest.approx(10.5, abs=0.75)]

    virtual.run(check())


def test_a_service_that_is_away_is_asked_again_soon() -> None:
    async def check() -> None:
        asked: list[float] = []

        async def read() -> float:
            asked.append(virtual.now_ms())
            if len(asked) < 4:
                raise Unreachable
            return _SERVER_MS

        clock = ServerClock(read, Platform(monotonic=virtual.now_ms, wall=virtual.now_ms))
        clock.start()
        await asyncio.sleep(1.5)
        assert clock.is_synced
        await clock.close()

    virtual.run(check())


async def test_whatever_a_read_fails_with_it_is_measured_again() -> None:
    machine = Machine()
    failures = iter([LookupError("no token today")])
    synced = asyncio.Event()

    async def read() -> float:
        if error := next(failures, None):
            raise error
        return _SERVER_MS

    clock = machine.clock(read)
    clock.on_sync(synced.set)
    clock.start()
    async with asyncio.timeout(5):
        await synced.wait()
    await clock.close()


async def test_measuring_that_came_to_an_end_is_begun_anew() -> None:
    machine = Machine()
    clock = machine.clock()
    clock.start()
    keeping = clock._keeping
    assert keeping
    keeping.cancel()
    await asyncio.wait([keeping])
    clock.start()
    assert clock._keeping is not keeping
    await clock.close()
