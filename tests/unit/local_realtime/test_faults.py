"""The fault injector of the local Realtime server: lost, reordered and late messages."""

import asyncio

from infra.local.realtime.faults import Faults, FaultyDelivery

_MESSAGES = [str(n) for n in range(1000)]


def _delivered(loss: float, reorder: float, messages: list[str], seed: int = 0) -> list[str]:
    faults = Faults()
    faults.random.seed(seed)
    faults.loss, faults.reorder, faults.hold_s = loss, reorder, 60
    arrived: list[str] = []
    delivery = FaultyDelivery(faults, arrived.append)
    for message in messages:
        delivery.deliver(message)
    delivery.end()
    return arrived


async def test_without_faults_every_message_arrives_in_order() -> None:
    assert _delivered(0, 0, _MESSAGES) == _MESSAGES


async def test_about_the_set_share_of_messages_is_lost() -> None:
    arrived = _delivered(0.1, 0, _MESSAGES)
    assert 850 < len(arrived) < 950
    assert arrived == sorted(arrived, key=int)


async def test_a_held_message_arrives_after_the_next_one() -> None:
    assert _delivered(0, 1, ["a", "b", "c", "d"]) == ["b", "a", "d", "c"]


async def test_the_same_seed_repeats_the_same_faults() -> None:
    once, again, otherwise = (_delivered(0.2, 0.2, _MESSAGES, seed) for seed in (7, 7, 8))
    assert once == again != otherwise


async def test_a_held_message_without_a_next_one_arrives_late() -> None:
    faults = Faults()
    faults.reorder, faults.hold_s = 1.0, 0.01
    arrived: asyncio.Queue[str] = asyncio.Queue()
    FaultyDelivery(faults, arrived.put_nowait).deliver("a")
    assert arrived.empty()
    async with asyncio.timeout(30):
        assert await arrived.get() == "a"
