"""Messages that are lost or overtaken on the last stretch."""

import asyncio

from infra.local.realtime.delivery import FaultyDelivery
from infra.local.realtime.faults import Faults

_MESSAGES = [str(n) for n in range(1000)]


def _delivered(mischief: Faults, messages: list[str]) -> list[str | bytes]:
    arrived: list[str | bytes] = []
    delivery = FaultyDelivery(mischief, arrived.append)
    for message in messages:
        delivery.deliver(message)
    delivery.end()
    return arrived


def _mischief(loss: float, reorder: float, seed: int = 0) -> Faults:
    mischief = Faults(seed)
    mischief.loss, mischief.reorder, mischief.hold_s = loss, reorder, 60
    return mischief


async def test_without_mischief_everything_arrives_in_order() -> None:
    assert _delivered(_mischief(0, 0), _MESSAGES) == _MESSAGES


async def test_about_so_many_are_lost() -> None:
    arrived = _delivered(_mischief(0.1, 0), _MESSAGES)
    assert 850 < len(arrived) < 950
    assert arrived == sorted(arrived, key=lambda message: int(message))


async def test_one_that_is_held_comes_after_the_next() -> None:
    assert _delivered(_mischief(0, 1), ["a", "b", "c", "d"]) == ["b", "a", "d", "c"]


async def test_none_is_lost_by_being_held() -> None:
    arrived = _delivered(_mischief(0, 0.3), _MESSAGES)
    assert arrived != _MESSAGES
    assert set(_MESSAGES) - set(arrived) <= {_MESSAGES[-1]}


async def test_the_same_seed_does_the_same_again() -> None:
    once, again, otherwise = (
        _delivered(_mischief(0.2, 0.2, seed), _MESSAGES) for seed in (7, 7, 8)
    )
    assert once == again != otherwise


async def test_a_seed_begins_anew() -> None:
    mischief = _mischief(0.2, 0.2)
    mischief.seed = 7
    once = _delivered(mischief, _MESSAGES)
    mischief.seed = 7
    assert _delivered(mischief, _MESSAGES) == once


async def test_one_that_none_follows_is_late() -> None:
    mischief = _mischief(0, 1)
    mischief.hold_s = 0.01
    arrived: asyncio.Queue[str | bytes] = asyncio.Queue()
    FaultyDelivery(mischief, arrived.put_nowait).deliver("a")
    assert arrived.empty()
    async with asyncio.timeout(5):
        assert await arrived.get() == "a"


async def test_at_the_end_what_is_held_is_forgotten() -> None:
    mischief = _mischief(0, 1)
    mischief.hold_s = 0
    arrived: list[str | bytes] = []
    delivery = FaultyDelivery(mischief, arrived.append)
    delivery.deliver("a")
    delivery.end()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert arrived == []
