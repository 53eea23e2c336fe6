"""Announcers that combine others or run them in the background."""

import asyncio

from shared.application.notifiers import BackgroundNotifier, CompositeNotifier
from shared.application.ports.notifier import CommitNotification
from shared.application.ports.push_message import PushMessage
from tests.support.virtual_time import in_virtual_time

pytestmark = in_virtual_time


class Slow:
    """An notifier that waits for `gate`."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.started: list[str] = []
        self.finished: list[str] = []

    async def notify(self, news: CommitNotification) -> None:
        self.started.append(news.name)
        await self.gate.wait()
        self.finished.append(news.name)


def with_push(name: str) -> CommitNotification:
    """News with a push."""
    return CommitNotification(name, pushes=[PushMessage(b"{}")])


async def test_all_announcers_run_concurrently() -> None:
    one, two = Slow(), Slow()
    announcing = asyncio.create_task(CompositeNotifier([one, two]).notify(CommitNotification("a")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (one.started, two.started, announcing.done()) == (["a"], ["a"], False)
    one.gate.set()
    two.gate.set()
    await announcing
    assert (one.finished, two.finished) == (["a"], ["a"])


async def test_announcing_in_the_background_returns_at_once_and_keeps_the_order() -> None:
    slow = Slow()
    background = BackgroundNotifier(slow)
    for name in "abc":
        await background.notify(with_push(name))
    assert slow.started == []
    await asyncio.sleep(0)
    assert (slow.started, slow.finished) == (["a", "b", "c"], [])
    slow.gate.set()
    await background.drain()
    assert slow.finished == ["a", "b", "c"]


async def test_news_without_a_push_are_not_announced_in_the_background() -> None:
    slow = Slow()
    background = BackgroundNotifier(slow)
    await background.notify(CommitNotification("a", outbox_was_empty=True))
    await asyncio.sleep(0)
    assert slow.started == []
    await background.drain()


async def test_draining_the_background_ends_after_its_timeout() -> None:
    slow = Slow()
    background = BackgroundNotifier(slow)
    await background.notify(with_push("a"))
    async with asyncio.timeout(5):
        await background.drain(timeout_s=0.01)
    assert (slow.started, slow.finished) == (["a"], [])
