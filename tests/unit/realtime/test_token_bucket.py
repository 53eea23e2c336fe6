"""The token bucket, in virtual time."""

import asyncio

from shared.realtime.token_bucket import TokenBucket


class Clock:
    """Time that passes only in `sleep`, or when a test sets it."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        """Let the time pass without waiting."""
        self.slept.append(round(seconds, 6))
        self.now_s += seconds


async def send(pace: TokenBucket, messages: int = 1) -> None:
    """Take the turn and pay for `messages`."""
    async with pace.turn():
        pace.pay(messages)


async def test_a_burst_of_one_second_s_worth_is_sent_at_once() -> None:
    clock = Clock()
    pace = TokenBucket(4, clock, clock.sleep)
    for _ in range(6):
        await send(pace)
    assert clock.slept == [0.25, 0.25]


async def test_a_send_above_the_remaining_tokens_delays_the_next_one() -> None:
    clock = Clock()
    pace = TokenBucket(4, clock, clock.sleep)
    await send(pace, 10)
    assert clock.slept == []
    await send(pace)
    assert clock.slept == [1.75]


async def test_a_bucket_holds_no_more_than_a_second_s_worth() -> None:
    clock = Clock()
    pace = TokenBucket(4, clock, clock.sleep)
    clock.now_s += 3600
    for _ in range(5):
        await send(pace)
    assert clock.slept == [0.25]


async def test_a_backward_jump_of_the_clock_removes_no_tokens() -> None:
    clock = Clock()
    pace = TokenBucket(4, clock, clock.sleep)
    clock.now_s -= 3600
    for _ in range(4):
        await send(pace)
    assert clock.slept == []


async def test_without_a_limit_no_send_waits() -> None:
    clock = Clock()
    pace = TokenBucket(0, clock, clock.sleep)
    for _ in range(1000):
        await send(pace, 1000)
    assert clock.slept == []


async def test_a_message_takes_as_many_tokens_as_its_price() -> None:
    clock, prices = Clock(), [1.0, 6.0, 1.0]
    pace = TokenBucket(4, clock, clock.sleep, lambda: prices.pop(0))
    for _ in prices[:]:
        await send(pace)
    assert clock.slept == [1.0]


async def test_no_turn_begins_during_a_pause() -> None:
    clock = Clock()
    pace = TokenBucket(4, clock, clock.sleep)
    pace.pause(5)
    await send(pace)
    await send(pace)
    assert clock.slept == [5.0]


async def test_turns_are_in_order_of_arrival_and_cancelled_waiters_are_skipped() -> None:
    clock, gate, order = Clock(), asyncio.Event(), list[int]()

    async def sleep(seconds: float) -> None:
        await gate.wait()
        await clock.sleep(seconds)

    async def take(number: int) -> None:
        await send(pace)
        order.append(number)

    pace = TokenBucket(1, clock, sleep)
    await send(pace)
    waiting = [asyncio.create_task(take(number)) for number in range(4)]
    await asyncio.sleep(0)
    for cancelled in (waiting[0], waiting[2]):
        cancelled.cancel()
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert order == [1, 3]


async def test_the_number_of_concurrent_turns_is_bounded() -> None:
    pace, gate, begun = TokenBucket(0), asyncio.Event(), list[int]()

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
