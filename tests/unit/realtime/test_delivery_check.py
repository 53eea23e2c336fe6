"""The echo check: whether a published message reaches the listening connection."""

import asyncio

from shared.application.errors import StoreUnavailable
from shared.realtime.delivery_check import DeliveryCheck
from tests.support.virtual_time import in_virtual_time

pytestmark = in_virtual_time


class FakePublisher:
    """Publishes and, if `is_heard`, lets the echo hear it at once."""

    def __init__(self, *, is_heard: bool = True, is_down: bool = False) -> None:
        self.echo = DeliveryCheck("channel", self.publish)
        self.published = 0
        self._is_heard = is_heard
        self._is_down = is_down

    async def publish(self, channel: str) -> None:
        """Called by the echo."""
        assert channel == "channel"
        self.published += 1
        if self._is_down:
            raise StoreUnavailable
        if self._is_heard:
            self.echo.heard()

    async def missing_within(self, seconds: float) -> float | None:
        """Seconds until the echo is missing; `None` if it isn't within `seconds`."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        self.echo.begin()
        while (passed := loop.time() - began) < seconds:
            if self.echo.is_missing():
                return passed
            await asyncio.sleep(0.02)
        return None


async def test_an_echo_that_is_heard_is_published_twice_a_second() -> None:
    publisher = FakePublisher()
    assert await publisher.missing_within(1.8) is None
    assert 2 <= publisher.published <= 4


async def test_an_echo_that_is_not_heard_for_a_second_is_missing() -> None:
    missing_after = await FakePublisher(is_heard=False).missing_within(3)
    assert missing_after is not None
    assert 1.4 < missing_after < 2.0


async def test_after_a_change_of_servers_an_echo_is_missing_sooner() -> None:
    publisher = FakePublisher(is_heard=False)
    publisher.echo.check_now()
    await asyncio.sleep(0)
    began = asyncio.get_running_loop().time()
    while not publisher.echo.is_missing():
        await asyncio.sleep(0.02)
    assert asyncio.get_running_loop().time() - began < 0.8


async def test_an_echo_that_could_not_be_published_is_not_missing() -> None:
    publisher = FakePublisher(is_down=True)
    assert await publisher.missing_within(2.0) is None
    assert publisher.published >= 2
