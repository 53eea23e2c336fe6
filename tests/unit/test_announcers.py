"""Announcers made of others."""

import asyncio

from shared.announcers import InBackground, Together
from shared.ports import News


class Slow:
    """Says nothing before it is let."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.begun: list[str] = []
        self.said: list[str] = []

    async def announce(self, news: News) -> None:
        """See `Announcer`."""
        self.begun.append(news.name)
        await self.gate.wait()
        self.said.append(news.name)


def pushing(name: str) -> News:
    """News with a push."""
    return News(name, pushes=[b"{}"])


async def test_all_are_told_at_the_same_time() -> None:
    one, two = Slow(), Slow()
    telling = asyncio.create_task(Together([one, two]).announce(News("a")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (one.begun, two.begun, telling.done()) == (["a"], ["a"], False)
    one.gate.set()
    two.gate.set()
    await telling
    assert (one.said, two.said) == (["a"], ["a"])


async def test_nobody_waits_for_what_is_said_in_the_background_and_the_order_stays() -> None:
    slow = Slow()
    background = InBackground(slow)
    for name in "abc":
        await background.announce(pushing(name))
    assert slow.begun == []
    await asyncio.sleep(0)
    assert (slow.begun, slow.said) == (["a", "b", "c"], [])
    slow.gate.set()
    await background.drain()
    assert slow.said == ["a", "b", "c"]


async def test_what_has_no_push_in_it_is_of_no_interest_there() -> None:
    slow = Slow()
    background = InBackground(slow)
    await background.announce(News("a", fills_outbox=True))
    await asyncio.sleep(0)
    assert slow.begun == []
    await background.drain()


async def test_a_process_that_stops_does_not_wait_for_ever() -> None:
    slow = Slow()
    background = InBackground(slow)
    await background.announce(pushing("a"))
    async with asyncio.timeout(5):
        await background.drain(patience_s=0.01)
    assert (slow.begun, slow.said) == (["a"], [])
