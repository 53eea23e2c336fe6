"""The client's estimate of the server's clock: its error bound, corrections, and sampling."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from synckairos.clock import ServerClock
from synckairos.errors import Unreachable
from synckairos.offset_interval import Sample
from synckairos.platform import Platform

from tests.clients import virtual

_SERVER_MS = 1_000_000.0
"""Time of the server's clock when the local monotonic clock is at zero."""


class Machine:
    """Local clocks that a test advances, ms."""

    def __init__(self) -> None:
        self.monotonic = 0.0
        self.wall = 5_000.0

    def clock(self, read: Callable[[], Awaitable[float]] | None = None) -> ServerClock:
        """Return a server clock that uses this machine's clocks."""
        local = Platform(
            monotonic=lambda: self.monotonic, wall=lambda: self.wall, resolution_ms=0.001
        )
        return ServerClock(read or _never, local)

    def advance(self, ms: float) -> None:
        """Advance both clocks."""
        self.monotonic += ms
        self.wall += ms


async def _never() -> float:
    raise Unreachable


def take_sample(machine: Machine, clock: ServerClock, there: float, back: float) -> None:
    """Take a sample with the given latencies, which starts now."""
    sent = machine.monotonic
    machine.advance(there + back)
    clock.take(Sample(sent, _SERVER_MS + sent + there, machine.monotonic))


def test_before_the_first_sample_it_shows_the_wall_clock_without_an_error_bound() -> None:
    machine = Machine()
    clock = machine.clock()
    assert clock.now() == machine.wall
    assert clock.error_ms == float("inf")
    assert not clock.is_synced


_THREE_HOURS_MS = 3 * 3_600_000


@pytest.mark.parametrize("wall_ahead", [-_THREE_HOURS_MS, _THREE_HOURS_MS])
def test_before_the_first_sample_it_follows_states_whatever_the_wall_clock_shows(
    wall_ahead: float,
) -> None:
    machine = Machine()
    machine.wall = _SERVER_MS + wall_ahead
    clock = machine.clock()
    machine.advance(40)
    clock.note_server_time(_SERVER_MS)
    assert clock.now() == _SERVER_MS
    assert (clock.error_ms, clock.is_synced) == (float("inf"), False)
    machine.advance(60_000)
    assert clock.now() == _SERVER_MS + 60_000
    machine.wall -= wall_ahead
    assert clock.now() == _SERVER_MS + 60_000


def test_a_state_that_took_longer_does_not_move_the_time_back_and_a_faster_one_moves_it_on() -> (
    None
):
    machine = Machine()
    clock = machine.clock()
    clock.note_server_time(_SERVER_MS - 40)
    machine.advance(100)
    clock.note_server_time(_SERVER_MS + 100 - 5_000)
    assert clock.now() == _SERVER_MS + 60
    clock.note_server_time(_SERVER_MS + 97)
    assert clock.now() == _SERVER_MS + 97


def test_the_first_sample_replaces_the_estimate_from_states_and_time_never_runs_backwards() -> None:
    machine = Machine()
    machine.wall = _SERVER_MS + _THREE_HOURS_MS
    clock = machine.clock()
    clock.note_server_time(_SERVER_MS)
    machine.advance(10)
    shown = clock.now()
    take_sample(machine, clock, there=90, back=10)  # the estimate of this sample is 40 ms behind
    take_sample(machine, clock, there=0.25, back=0.25)
    for _ in range(1_000):
        assert clock.now() >= shown
        shown = clock.now()
        machine.advance(1)
    assert clock.is_synced
    assert abs(clock.now() - _SERVER_MS - machine.monotonic) <= clock.error_ms < 2


def test_a_first_sample_that_is_behind_the_estimate_from_states_is_slewed() -> None:
    machine = Machine()
    clock = machine.clock()
    clock.note_server_time(_SERVER_MS)
    take_sample(machine, clock, there=10, back=90)
    assert clock.now() == pytest.approx(_SERVER_MS + 100)
    assert abs(clock.now() - _SERVER_MS - machine.monotonic) <= clock.error_ms
    machine.advance(100)
    assert clock.now() == pytest.approx(_SERVER_MS + 190, abs=0.01)


def test_the_first_sample_is_used_at_once_if_the_estimate_from_states_is_impossible() -> None:
    machine = Machine()
    clock = machine.clock()
    clock.note_server_time(_SERVER_MS + 60_000)
    take_sample(machine, clock, 5, 5)
    assert abs(clock.now() - _SERVER_MS - machine.monotonic) <= clock.error_ms < 6


def test_once_it_is_synced_states_change_nothing() -> None:
    machine = Machine()
    clock = machine.clock()
    take_sample(machine, clock, 1, 1)
    before = clock.now(), clock.error_ms
    clock.note_server_time(_SERVER_MS + 5_000)
    assert (clock.now(), clock.error_ms) == before


def test_the_error_is_within_half_of_the_round_trip() -> None:
    machine = Machine()
    clock = machine.clock()
    take_sample(machine, clock, there=90, back=10)
    assert abs(clock.now() - _SERVER_MS - machine.monotonic) <= clock.error_ms < 52


def test_two_samples_slow_in_opposite_directions_give_a_smaller_error_than_each() -> None:
    machine = Machine()
    clock = machine.clock()
    take_sample(machine, clock, there=90, back=10)
    take_sample(machine, clock, there=10, back=90)
    machine.advance(1_000)
    assert clock.error_ms < 12
    assert abs(clock.now() - _SERVER_MS - machine.monotonic) < 2


def test_the_error_bound_grows_with_time() -> None:
    machine = Machine()
    clock = machine.clock()
    take_sample(machine, clock, 1, 1)
    fresh = clock.error_ms
    machine.advance(100_000)
    assert clock.error_ms == pytest.approx(fresh + 12)


def test_a_backward_correction_is_slewed_and_its_rest_is_part_of_the_error() -> None:
    machine = Machine()
    clock = machine.clock()
    take_sample(machine, clock, there=100, back=10)  # the estimate is 45 ms ahead
    shown = clock.now()
    machine.monotonic -= 0.5  # so that the next sample ends now
    machine.wall -= 0.5
    take_sample(machine, clock, there=0.25, back=0.25)
    assert clock.now() == pytest.approx(shown, abs=0.01)
    assert clock.error_ms > 44
    machine.advance(100)
    assert clock.now() == pytest.approx(shown + 90, abs=0.01)
    machine.advance(1_000)
    assert abs(clock.now() - _SERVER_MS - machine.monotonic) <= clock.error_ms < 2


def test_a_forward_correction_is_made_at_once() -> None:
    machine = Machine()
    clock = machine.clock()
    take_sample(machine, clock, there=10, back=100)
    take_sample(machine, clock, there=0.25, back=0.25)
    assert clock.error_ms < 2


def test_a_sample_that_contradicts_the_others_replaces_them() -> None:
    machine = Machine()
    clock = machine.clock()
    take_sample(machine, clock, 1, 1)
    clock.take(Sample(machine.monotonic, _SERVER_MS - 60_000, machine.monotonic + 2))
    assert abs(clock.now() - (_SERVER_MS - 60_000)) < 4
    assert clock.error_ms < 3


@pytest.mark.parametrize("leap_ms", [-3_600_000, -251, 251, 3_600_000])
def test_a_jump_of_the_wall_clock_discards_the_samples(leap_ms: float) -> None:
    machine = Machine()
    clock = machine.clock()
    take_sample(machine, clock, 1, 1)
    machine.wall += leap_ms
    assert clock.error_ms == float("inf")
    assert not clock.is_synced
    take_sample(machine, clock, 5, 5)
    assert clock.is_synced
    assert clock.error_ms > 5  # the better sample before the jump is discarded


async def test_a_sample_is_dropped_if_the_machine_slept_during_its_request() -> None:
    machine = Machine()

    async def read() -> float:
        machine.wall += 60_000  # suspended, which the monotonic clock doesn't notice
        return _SERVER_MS

    clock = machine.clock(read)
    await clock.sync(samples=1)
    assert not clock.is_synced


async def _sample_times(until_s: float, *, sleeps_at_s: float | None = None) -> list[float]:
    """Return when samples were taken, s."""
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


def test_it_takes_eight_samples_twice_at_the_start_then_three_every_30_s() -> None:
    async def check() -> None:
        taken = await _sample_times(65)
        assert [
            sum(1 for at in taken if since <= at < since + 1) for since in (0, 1.5, 31, 61)
        ] == [
            8,
            8,
            3,
            3,
        ]

    virtual.run(check())


def test_after_sleep_it_takes_samples_at_once() -> None:
    async def check() -> None:
        taken = await _sample_times(20, sleeps_at_s=10)
        assert [at for at in taken if at > 3][:1] == [pytest.approx(10.5, abs=0.75)]

    virtual.run(check())


def test_it_retries_soon_while_the_service_is_unavailable() -> None:
    async def check() -> None:
        attempts: list[float] = []

        async def read() -> float:
            attempts.append(virtual.now_ms())
            if len(attempts) < 4:
                raise Unreachable
            return _SERVER_MS

        clock = ServerClock(read, Platform(monotonic=virtual.now_ms, wall=virtual.now_ms))
        clock.start()
        await asyncio.sleep(1.5)
        assert clock.is_synced
        await clock.close()

    virtual.run(check())


async def test_it_retries_after_any_error_of_a_read() -> None:
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
    async with asyncio.timeout(30):
        await synced.wait()
    await clock.close()


async def test_start_restarts_measuring_after_its_task_has_ended() -> None:
    machine = Machine()
    clock = machine.clock()
    clock.start()
    task = clock._measuring
    assert task
    task.cancel()
    await asyncio.wait([task])
    clock.start()
    assert clock._measuring is not task
    await clock.close()
