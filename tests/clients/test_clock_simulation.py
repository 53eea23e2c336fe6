"""Ten minutes of many clients: is a clock as right as it says?

`FUZZ=full pytest -s` prints the figures of docs/time.md; `make test` simulates fewer clients.
"""

import asyncio
import random
from statistics import median, quantiles

from synckairos.clock import ServerClock

from tests.clients import virtual
from tests.clients.paths import Path, server_now_ms
from tests.fuzz.extent import IS_FULL

_PATHS, _MINUTES = 100 if IS_FULL else 20, 10
"""Clients of each kind, and how long each is simulated."""

_EVERY_S = 0.1
_RELIABLE, _CLOSE_MS = 0.999, 5.0
_LARGEST_SKEW = 3.0


class Figures:
    """Errors and bounds of all instants."""

    def __init__(self) -> None:
        self.errors: list[float] = []
        self.bounds: list[float] = []
        self.within = 0
        self.backwards = 0.0
        self._shown: dict[int, float] = {}

    def note(self, who: int, clock: ServerClock) -> None:
        """Take in how one clock stands."""
        shown, error_ms = clock.now(), clock.error_ms
        error = abs(shown - server_now_ms())
        self.errors.append(error)
        self.bounds.append(error_ms)
        self.within += error <= error_ms
        self.backwards = max(self.backwards, self._shown.get(who, shown) - shown)
        self._shown[who] = shown

    @property
    def row(self) -> str:
        """As in docs/time.md."""
        p95, p999 = (quantiles(self.errors, n=1000)[n - 1] for n in (950, 999))
        share = 100 * self.within / len(self.errors)
        columns = median(self.errors), p95, p999, max(self.errors), median(self.bounds)
        return " | ".join(f"{ms:.1f} ms" for ms in columns) + f" | {share:.3f} %"


async def _simulate(paths: list[Path], figures: Figures) -> None:
    clocks = [ServerClock(path.read, path.local) for path in paths]
    for clock in clocks:
        clock.start()
    for _ in range(round(_MINUTES * 60 / _EVERY_S)):
        await asyncio.sleep(_EVERY_S)
        for who, clock in enumerate(clocks):
            if clock.is_synced:
                figures.note(who, clock)
    await asyncio.gather(*(clock.close() for clock in clocks))


def _figures(seed: int, *, symmetric: bool) -> Figures:
    dice = random.Random(seed)
    skews = [1.0 if symmetric else dice.uniform(1, _LARGEST_SKEW) for _ in range(_PATHS)]
    paths = [Path(dice, skew if dice.random() < 0.5 else 1 / skew) for skew in skews]
    figures = Figures()
    virtual.run(_simulate(paths, figures))
    print(f"\n| {'symmetric' if symmetric else 'up to 3:1'} | {figures.row} |")
    return figures


def test_on_symmetric_paths_a_clock_is_close_and_knows_how_close() -> None:
    figures = _figures(1, symmetric=True)
    assert figures.within / len(figures.errors) >= _RELIABLE
    assert median(figures.errors) < _CLOSE_MS
    assert figures.backwards == 0


def test_on_asymmetric_paths_it_still_knows_how_far_off_it_can_be() -> None:
    figures = _figures(2, symmetric=False)
    assert figures.within / len(figures.errors) >= _RELIABLE
    assert figures.backwards == 0
