"""A push to very many listeners lets others be served between, and is late for nobody's order."""

import asyncio
from itertools import pairwise

import pytest

from shared.realtime.fan_out import MOST_DUE, SLICE, Topic
from shared.realtime.listener import CLOSED, LOST, Listener, Push
from shared.realtime.redis import PushChannels

_MANY = 5 * SLICE


def topic(listeners: int) -> Topic:
    """One with so many listeners, which Redis has confirmed."""
    made = Topic(lambda _: None)
    made.listeners.update(Listener() for _ in range(listeners))
    made.confirmed()
    return made


def pushes(count: int) -> list[Push]:
    """One after the other."""
    return [Push(str(version), "STATE_UPDATE", version) for version in range(1, count + 1)]


def reached(topic: Topic, push: Push) -> int:
    """How many have been given a push."""
    return sum(listener.newest_version >= (push.version or 0) for listener in topic.listeners)


async def heard(listener: Listener, count: int) -> list[Push]:
    """The next of a listener's pushes."""
    async with asyncio.timeout(5):
        return [await listener.get() for _ in range(count)]


async def test_few_listeners_have_a_push_at_once() -> None:
    few, (push,) = topic(SLICE), pushes(1)
    few.deliver(push)
    assert reached(few, push) == SLICE


async def test_between_slices_the_loop_does_other_things() -> None:
    many, (push,) = topic(_MANY), pushes(1)
    many.deliver(push)
    seen = []
    while (count := reached(many, push)) < _MANY:
        seen.append(count)
        await asyncio.sleep(0)
    assert len(seen) >= _MANY // SLICE - 1
    assert max(b - a for a, b in pairwise(seen)) <= SLICE


async def test_each_listener_hears_everything_in_order_a_gap_included() -> None:
    many = topic(_MANY)
    first, second, third = pushes(3)
    many.deliver(first)
    await asyncio.sleep(0)
    many.deliver(second)
    many.interrupted()
    many.confirmed()
    many.deliver(third)
    for listener in many.listeners:
        assert await heard(listener, 4) == [first, second, LOST, third]


async def test_who_comes_during_a_delivery_hears_only_what_comes_later() -> None:
    many = topic(_MANY)
    before, after = pushes(2)
    many.deliver(before)
    late = Listener()
    many.listeners.add(late)
    many.deliver(after)
    assert await heard(late, 1) == [after]


async def test_pushes_that_come_faster_than_they_are_delivered_don_t_pile_up() -> None:
    many, flood = topic(_MANY), pushes(3 * MOST_DUE)
    for push in flood:
        many.deliver(push)
    assert reached(many, flood[-1 - MOST_DUE]) == _MANY
    for listener in many.listeners:
        assert await heard(listener, len(flood)) == flood


@pytest.mark.parametrize("listeners", [1, 100])
async def test_all_are_sent_away_before_the_time_is_over(listeners: int) -> None:
    channels = PushChannels(None, lambda name: name)  # type: ignore[arg-type]  # never asked
    leaving = topic(listeners)
    channels._topics["one"] = leaving
    async with asyncio.timeout(0.5):
        await channels.send_away(0.5)
    for listener in leaving.listeners:
        assert await heard(listener, 1) == [CLOSED]


async def test_the_end_comes_behind_what_is_due() -> None:
    for end in ("close", "send away"):
        channels = PushChannels(None, lambda name: name)  # type: ignore[arg-type]  # never asked
        many, (push,) = topic(_MANY), pushes(1)
        channels._topics["one"] = many
        many.deliver(push)
        if end == "close":
            channels.close()
        else:
            await channels.send_away(0.01)
        for listener in many.listeners:
            assert await heard(listener, 2) == [push, CLOSED]
