"""Fan-out of pushes: many listeners are served in slices, each in order."""

import asyncio
from itertools import pairwise

import pytest

from shared.realtime.fan_out import LISTENERS_PER_ITERATION, MAX_QUEUED_PUSHES, SessionFanOut
from shared.realtime.listener import CLOSED, GAP, Listener, Push
from shared.realtime.redis import RedisFanOut
from tests.support.virtual_time import in_virtual_time

pytestmark = in_virtual_time

_MANY = 5 * LISTENERS_PER_ITERATION


def topic(listeners: int) -> SessionFanOut:
    """A topic with that many listeners, confirmed by Redis."""
    made = SessionFanOut(lambda _: None)
    made.listeners.update(Listener() for _ in range(listeners))
    made.confirmed()
    return made


def pushes(count: int) -> list[Push]:
    """Updates to the versions 1 to `count`."""
    return [Push(str(version), "STATE_UPDATE", version) for version in range(1, count + 1)]


def reached(topic: SessionFanOut, push: Push) -> int:
    """The number of listeners that have been given `push`."""
    return sum(listener.newest_version >= (push.version or 0) for listener in topic.listeners)


async def received(listener: Listener, count: int) -> list[Push]:
    """The next `count` pushes of `listener`."""
    async with asyncio.timeout(5):
        return [await listener.get() for _ in range(count)]


async def test_few_listeners_get_a_push_at_once() -> None:
    few, (push,) = topic(LISTENERS_PER_ITERATION), pushes(1)
    few.deliver(push)
    assert reached(few, push) == LISTENERS_PER_ITERATION


async def test_other_tasks_run_between_slices() -> None:
    many, (push,) = topic(_MANY), pushes(1)
    many.deliver(push)
    seen = []
    while (count := reached(many, push)) < _MANY:
        seen.append(count)
        await asyncio.sleep(0)
    assert len(seen) >= _MANY // LISTENERS_PER_ITERATION - 1
    assert max(b - a for a, b in pairwise(seen)) <= LISTENERS_PER_ITERATION


async def test_each_listener_gets_all_pushes_and_gaps_in_order() -> None:
    many = topic(_MANY)
    first, second, third = pushes(3)
    many.deliver(first)
    await asyncio.sleep(0)
    many.deliver(second)
    many.on_connection_lost()
    many.confirmed()
    many.deliver(third)
    for listener in many.listeners:
        assert await received(listener, 4) == [first, second, GAP, third]


async def test_a_listener_added_during_a_delivery_gets_only_later_pushes() -> None:
    many = topic(_MANY)
    before, after = pushes(2)
    many.deliver(before)
    late = Listener()
    many.listeners.add(late)
    many.deliver(after)
    assert await received(late, 1) == [after]


async def test_the_number_of_undelivered_pushes_is_bounded() -> None:
    many, flood = topic(_MANY), pushes(3 * MAX_QUEUED_PUSHES)
    for push in flood:
        many.deliver(push)
    assert reached(many, flood[-1 - MAX_QUEUED_PUSHES]) == _MANY
    for listener in many.listeners:
        assert await received(listener, len(flood)) == flood


@pytest.mark.parametrize("listeners", [1, 100])
async def test_all_listeners_are_closed_in_the_given_time(listeners: int) -> None:
    channels = RedisFanOut(None, lambda name: name)  # type: ignore[arg-type]  # never opened
    leaving = topic(listeners)
    channels._topics["one"] = leaving
    async with asyncio.timeout(0.5):
        await channels.drain(0.5)
    for listener in leaving.listeners:
        assert await received(listener, 1) == [CLOSED]


async def test_closing_comes_after_the_pushes_that_are_due() -> None:
    for end in ("close", "send away"):
        channels = RedisFanOut(None, lambda name: name)  # type: ignore[arg-type]  # never opened
        many, (push,) = topic(_MANY), pushes(1)
        channels._topics["one"] = many
        many.deliver(push)
        if end == "close":
            channels.close()
        else:
            await channels.drain(0.01)
        for listener in many.listeners:
            assert await received(listener, 2) == [push, CLOSED]
