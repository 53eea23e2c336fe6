"""Whether what is published is heard again."""

import asyncio

from shared.errors import StoreUnavailable
from shared.realtime.echo import Echo


class Studio:
    """Publishes, and has the echo hear it where that is wanted."""

    def __init__(self, *, is_heard: bool = True, is_down: bool = False) -> None:
        self.echo = Echo("channel", self.publish)
        self.published = 0
        self._is_heard = is_heard
        self._is_down = is_down

    async def publish(self, channel: str) -> None:
        """What the echo calls."""
        assert channel == "channel"
        self.published += 1
        if self._is_down:
            raise StoreUnavailable
        if self._is_heard:
            self.echo.heard()

    async def missing_within(self, seconds: float) -> float | None:
        """After how many seconds the echo is missing; None where it never is."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        self.echo.begin()
        while (passed := loop.time() - began) < seconds:
            if self.echo.is_missing():
                return passed
            await asyncio.sleep(0.02)
        return None


async def test_what_is_heard_again_is_published_twice_a_second() -> None:
    studio = Studio()
    assert await studio.missing_within(1.8) is None
    assert 2 <= studio.published <= 4


async def test_what_is_not_heard_for_a_second_is_missing() -> None:
    missing_after = await Studio(is_heard=False).missing_within(3)
    assert missing_after is not None
    assert 1.4 < missing_after < 2.0


async def test_after_a_change_of_servers_it_is_missing_sooner() -> None:
    studio = Studio(is_heard=False)
    studio.echo.hurry()
    await asyncio.sleep(0)
    began = asyncio.get_running_loop().time()
    while not studio.echo.is_missing():
        await asyncio.sleep(0.02)
    assert asyncio.get_running_loop().time() - began < 0.8


async def test_what_could_not_be_published_is_not_missed() -> None:
    studio = Studio(is_down=True)
    assert await studio.missing_within(2.0) is None
    assert studio.published >= 2
