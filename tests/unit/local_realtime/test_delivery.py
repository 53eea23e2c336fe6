"""The fault injector of the local Realtime server: lost, reordered and late messages."""

import asyncio

from infra.local.realtime.delivery import FaultyDelivery
from infra.local.realtime.faults import Faults

_MESSAGES = [str(n) for n in range(1000)]


def _delivered(faults: Faults, messages: list[str]) -> list[str | bytes]:
    arrived: list[str | bytes] = []
    delivery = FaultyDelivery(faults, arrived.append)
    for message in messages:
        delivery.deliver(message)
    delivery.end()
    return arrived


def _faults(loss: float, reorder: float, seed: int = 0) -> Faults:
    faults = Faults(seed)
    faults.loss, faults.reorder, faults.hold_s = loss, reorder, 60
    return faults


async def test_without_faults_every_message_arrives_in_order() -> None:
    assert _delivered(_faults(0, 0), _MESSAGES) == _MESSAGES


async def test_about_the_set_share_of_messages_is_lost() -> None:
    arrived = _delivered(_faults(0.1, 0), _MESSAGES)
    assert 850 < len(arrived) < 950
    assert arrived == sorted(arrived, key=lambda message: int(message))


async def test_a_held_message_arrives_after_the_next_one() -> None:
    assert _delivered(_faults(0, 1), ["a", "b", "c", "d"]) == ["b", "a", "d", "c"]


async def test_held_messages_are_not_lost() -> None:
    arrived = _delivered(_faults(0, 0.3), _MESSAGES)
    assert arrived != _MESSAGES
    assert set(_MESSAGES) - set(arrived) <= {_MESSAGES[-1]}


async def test_the_same_seed_repeats_the_same_faults() -> None:
    once, again, otherwise = (_delivered(_faults(0.2, 0.2, seed), _MESSAGES) for seed in (7, 7, 8))
    assert once == again != otherwise


async def test_setting_the_seed_restarts_the_random_sequence() -> None:
    faults = _faults(0.2, 0.2)
    faults.seed = 7
    once = _delivered(faults, _MESSAGES)
    faults.seed = 7
    assert _delivered(faults, _MESSAGES) == once


async def test_a_held_message_without_a_next_one_arrives_late() -> None:
    faults = _faults(0, 1)
    faults.hold_s = 0.01
    arrived: asyncio.Queue[str | bytes] = asyncio.Queue()
    FaultyDelivery(faults, arrived.put_nowait).deliver("a")
    assert arrived.empty()
    async with asyncio.timeout(5):
        assert await arrived.get() == "a"


async def test_held_messages_are_dropped_at_the_end() -> None:
    faults = _faults(0, 1)
    faults.hold_s = 0
    arrived: list[str | bytes] = []
    delivery = FaultyDelivery(faults, arrived.append)
    delivery.deliver("a")
    delivery.end()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert arrived == []
