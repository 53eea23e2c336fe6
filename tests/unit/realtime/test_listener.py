"""Pushes to a client: sent at once if possible, otherwise queued, always in order."""

import asyncio
import json
import random
from collections.abc import Callable

import pytest

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


MESSAGE = {
    "type": "STATE_UPDATE",
    "sessionId": "s",
    "timestamp": 7,
    "state": {"version": 3, "participants": [1, 2]},
    "cause": "participant_finished",
    "difference": {"since": 2, "state": {"version": 3, "participants": [2]}},
}


@pytest.mark.parametrize("more", [{}, {"test": True}])
def test_the_difference_takes_the_place_of_the_state_for_who_takes_it(
    more: dict[str, bool],
) -> None:
    whole = Push.of(json.dumps(MESSAGE | more).encode())
    fields = {name: value for name, value in MESSAGE.items() if name != "state"}
    for takes_differences, expected in ((True, {**fields, "version": 3}), (False, MESSAGE)):
        listener = Listener(takes_differences=takes_differences)
        listener.put(whole)
        got = asyncio.run(listener.get())
        assert json.loads(got.text) == expected | more
        assert (got.version, got.at, listener.newest_version) == (3, whole.at, 3)


def test_a_push_without_a_difference_is_the_same_for_all() -> None:
    sent = {name: value for name, value in MESSAGE.items() if name != "difference"}
    listener = Listener(takes_differences=True)
    listener.put(Push.of(json.dumps(sent).encode()))
    assert json.loads(asyncio.run(listener.get()).text) == sent
