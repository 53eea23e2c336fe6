"""Pushes to a client: sent at once if possible, otherwise queued, always in order."""

import asyncio
import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from shared.application.push_messages import STATE_DIFFERENCE
from shared.realtime.listener import CLOSED, Listener, Push


def push(version: int, text: str = "{}") -> Push:
    """An update to `version`."""
    return Push(text, "STATE_UPDATE", version)


def accepting(sent: list[Push]) -> Callable[[Push], bool]:
    """A send function that accepts every push."""

    def send(push: Push) -> bool:
        sent.append(push)
        return True

    return send


async def waiting_reader(listener: Listener) -> "asyncio.Task[Push]":
    """A task that waits for the next queued push."""
    task = asyncio.create_task(listener.get())
    await asyncio.sleep(0)
    return task


async def test_a_push_is_sent_at_once_while_its_client_waits() -> None:
    listener, sent = Listener(), list[Push]()
    listener.carry = accepting(sent)
    task = await waiting_reader(listener)
    listener.put(push(1))
    assert sent == [push(1)]
    assert listener.newest_version == 1
    task.cancel()


async def test_a_push_is_queued_while_its_client_is_busy() -> None:
    listener, sent = Listener(), list[Push]()
    listener.carry = accepting(sent)
    listener.put(push(1))
    assert await listener.get() == push(1)
    assert not sent


async def test_a_push_that_can_t_be_sent_at_once_is_queued() -> None:
    listener = Listener()
    listener.carry = lambda _: False
    task = await waiting_reader(listener)
    listener.put(push(1))
    assert await task == push(1)


@pytest.mark.parametrize("seed", range(20))
async def test_pushes_are_neither_lost_nor_duplicated_nor_reordered(seed: int) -> None:
    rng, listener, sent = random.Random(seed), Listener(), list[int]()

    def carry(one: Push) -> bool:
        if rng.random() < 0.4:
            return False
        sent.append(one.version or 0)
        return True

    async def consume() -> None:
        while (one := await listener.get()) is not CLOSED:
            for _ in range(rng.randint(0, 3)):
                await asyncio.sleep(0)
            sent.append(one.version or 0)

    listener.carry = carry
    consumer = asyncio.create_task(consume())
    for version in range(1, 201):
        if rng.random() < 0.2:
            await listener.reply(push(version))
        else:
            listener.put(push(version))
        for _ in range(rng.randint(0, 2)):
            await asyncio.sleep(0)
    listener.close()
    async with asyncio.timeout(30):
        await consumer
    assert sent == list(range(1, 201))


@pytest.mark.parametrize(("count", "text"), [(257, "{}"), (6, "x" * 1_000_000)])
async def test_a_client_that_reads_nothing_is_closed_and_holds_no_memory(
    count: int, text: str
) -> None:
    listener = Listener()
    listener.carry = lambda _: False
    for version in range(1, count + 1):
        listener.put(push(version, text))
    for _ in range(3):
        assert await listener.get() is CLOSED


async def test_a_reply_waits_for_room_but_a_push_does_not() -> None:
    listener = Listener()
    for version in range(1, 257):
        listener.put(push(version))
    answering = asyncio.create_task(listener.reply(Push("{}", "PONG")))
    await asyncio.sleep(0)
    assert not answering.done()
    received = [await listener.get()]
    async with asyncio.timeout(30):
        await answering
    received += [await listener.get() for _ in range(256)]
    assert [one.type for one in received] == ["STATE_UPDATE"] * 256 + ["PONG"]


async def test_a_reply_to_a_closed_client_stops_waiting() -> None:
    listener = Listener()
    for version in range(1, 257):
        listener.put(push(version))
    answering = asyncio.create_task(listener.reply(Push("{}", "PONG")))
    await asyncio.sleep(0)
    listener.put(push(257))
    async with asyncio.timeout(30):
        await answering
    assert await listener.get() is CLOSED


UPDATE = {
    "type": "STATE_UPDATE",
    "sessionId": "s",
    "timestamp": 7,
    "state": {"version": 3, "participants": [1, 2]},
    "cause": "participant_finished",
}
DIFFERENCE = {"since": 2, "state": {"version": 3, "participants": [2]}}
PUBLISHED = UPDATE | {"type": STATE_DIFFERENCE, "state": {"version": 3}, "difference": DIFFERENCE}


@pytest.mark.parametrize("more", [{}, {"test": True}])
def test_a_published_difference_is_an_update_with_the_version_in_place_of_the_state(
    more: dict[str, bool],
) -> None:
    push = Push.of(json.dumps(PUBLISHED | more).encode())
    fields = {name: value for name, value in UPDATE.items() if name != "state"}
    expected = fields | {"version": 3, "difference": DIFFERENCE} | more
    assert json.loads(push.text) == expected
    assert (push.type, push.version, push.is_difference) == ("STATE_UPDATE", 3, True)
    assert push.at == (None if more else 7)


@pytest.mark.parametrize("more", [{}, {"difference": DIFFERENCE}])
def test_an_update_with_a_state_is_passed_on_as_it_is(more: dict[str, Any]) -> None:
    """Instances of earlier releases publish both the state and the difference."""
    push = Push.of(json.dumps(UPDATE | more).encode())
    assert json.loads(push.text) == UPDATE | more
    assert (push.version, push.at, push.is_difference) == (3, 7, False)
