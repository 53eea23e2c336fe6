"""Simulates many clients for ten minutes: the error of each clock is within its bound.

`FUZZ=full pytest -s` prints the table of docs/time.md; `make test-all` simulates fewer clients.
"""

import asyncio
import random
from statistics import median, quantiles

from synckairos.clock import ServerClock

from tests.clients import virtual
from tests.clients.paths import NetworkPath, server_now_ms
from tests.fuzz.extent import IS_FULL

_PATHS, _MINUTES = 100 if IS_FULL else 20, 10
"""Number of clients of each kind, and simulated minutes."""

_CHECK_EVERY_S = 0.1
_MIN_SHARE_WITHIN, _MAX_MEDIAN_ERROR_MS = 0.999, 5.0
_MAX_SKEW = 3.0


class Figures:
    """Errors and error bounds of all clocks at all instants."""

    def __init__(self) -> None:
        self.errors: list[float] = []
        self.bounds: list[float] = []
        self.within = 0
        self.backwards = 0.0
        self._previous: dict[int, float] = {}

    def add(self, client: int, clock: ServerClock) -> None:
        """Add the present error and bound of a client's clock."""
        shown, error_ms = clock.now(), clock.error_ms
        error = abs(shown - server_now_ms())
        self.errors.append(error)
        self.bounds.append(error_ms)
        self.within += error <= error_ms
        self.backwards = max(self.backwards, self._previous.get(client, shown) - shown)
        self._previous[client] = shown

    @property
    def row(self) -> str:
        """Row of the table in docs/time.md."""
        p95, p999 = (quantiles(self.errors, n=1000)[n - 1] for n in (950, 999))
        share = 100 * self.within / len(self.errors)
        columns = median(self.errors), p95, p999, max(self.errors), median(self.bounds)
        return " | ".join(f"{ms:.1f} ms" for ms in columns) + f" | {share:.3f} %"


async def _simulate(paths: list[NetworkPath], figures: Figures) -> None:
    clocks = [ServerClock(path.read, path.platform) for path in paths]
    for clock in clocks:
        clock.start()
    for _ in range(round(_MINUTES * 60 / _CHECK_EVERY_S)):
        await asyncio.sleep(_CHECK_EVERY_S)
        for client, clock in enumerate(clocks):
            if clock.is_synced:
                figures.add(client, clock)
    await asyncio.gather(*(clock.close() for clock in clocks))


def _measure(seed: int, *, symmetric: bool) -> Figures:
    rng = random.Random(seed)
    skews = [1.0 if symmetric else rng.uniform(1, _MAX_SKEW) for _ in range(_PATHS)]
    paths = [NetworkPath(rng, skew if rng.random() < 0.5 else 1 / skew) for skew in skews]
    figures = Figures()
    virtual.run(_simulate(paths, figures))
    print(f"\n| {'symmetric' if symmetric else 'up to 3:1'} | {figures.row} |")
    return figures


def test_on_symmetric_paths_the_error_is_small_and_within_its_bound() -> None:
    figures = _measure(1, symmetric=True)
    assert figures.within / len(figures.errors) >= _MIN_SHARE_WITHIN
    assert median(figures.errors) < _MAX_MEDIAN_ERROR_MS
    assert figures.backwards == 0


def test_on_asymmetric_paths_the_error_is_within_its_bound() -> None:
    figures = _measure(2, symmetric=False)
    assert figures.within / len(figures.errors) >= _MIN_SHARE_WITHIN
    assert figures.backwards == 0
