"""The token bucket, on a clock that stands still unless somebody sleeps."""

import asyncio

from shared.realtime.pace import Pace


class Clock:
    """Time that passes only while somebody sleeps, or is told to."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        self.slept.append(round(seconds, 6))
        self.now_s += seconds


async def send(pace: Pace, messages: int = 1) -> None:
    """Take the turn, and pay."""
    async with pace.turn():
        pace.pay(messages)


async def test_as_many_go_at_once_as_may_go_in_a_second() -> None:
    clock = Clock()
    pace = Pace(4, clock, clock.sleep)
    for _ in range(6):
        await send(pace)
    assert clock.slept == [0.25, 0.25]


async def test_who_sends_more_than_is_left_makes_those_behind_wait() -> None:
    clock = Clock()
    pace = Pace(4, clock, clock.sleep)
    await send(pace, 10)
    assert clock.slept == []
    await send(pace)
    assert clock.slept == [1.75]


async def test_a_bucket_holds_no_more_than_a_second_s_worth() -> None:
    clock = Clock()
    pace = Pace(4, clock, clock.sleep)
    clock.now_s += 3600
    for _ in range(5):
        await send(pace)
    assert clock.slept == [0.25]


async def test_a_clock_that_goes_back_takes_nothing_away() -> None:
    clock = Clock()
    pace = Pace(4, clock, clock.sleep)
    clock.now_s -= 3600
    for _ in range(4):
        await send(pace)
    assert clock.slept == []


async def test_without_a_limit_nobody_waits() -> None:
    clock = Clock()
    pace = Pace(0, clock, clock.sleep)
    for _ in range(1000):
        await send(pace, 1000)
    assert clock.slept == []


async def test_turns_are_taken_in_the_order_of_asking_and_who_gives_up_keeps_nobody() -> None:
    clock, gate, order = Clock(), asyncio.Event(), list[int]()

    async def sleep(seconds: float) -> None:
        await gate.wait()
        await clock.sleep(seconds)

    async def take(number: int) -> None:
        await send(pace)
        order.append(number)

    pace = Pace(1, clock, sleep)
    await send(pace)
    waiting = [asyncio.create_task(take(number)) for number in range(4)]
    await asyncio.sleep(0)
    for impatient in (waiting[0], waiting[2]):
        impatient.cancel()
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert order == [1, 3]


async def test_only_so_many_have_the_turn_at_the_same_time() -> None:
    pace, gate, begun = Pace(0), asyncio.Event(), list[int]()

    async def take(number: int) -> None:
        async with pace.turn():
            begun.append(number)
            await gate.wait()

    taking = [asyncio.create_task(take(number)) for number in range(40)]
    await asyncio.sleep(0)
    assert begun == [*range(32)]
    gate.set()
    await asyncio.gather(*taking)
    assert begun == [*range(40)]
