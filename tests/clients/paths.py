"""Simulated ways to a server, with everything that makes its clock hard to read. All in ms."""

import asyncio
import math
import random
from dataclasses import dataclass

from synckairos.platform import Platform

from tests.clients.virtual import now_ms

EPOCH_MS = 1_800_000_000_000.0
_SHORTEST, _LONGEST = 20.0, 200.0
_JITTER = 0.05
_SPIKE_MS, _SPIKES = 500.0, 0.1
_WALL_OFF_MS = 3_600_000.0
_DRIFT = 100e-6
_UPTIME_MS = 86_400_000.0


@dataclass
class Path:
    """One client, its clocks and its network; `skew` is the ratio of the two ways."""

    dice: random.Random
    skew: float

    def __post_init__(self) -> None:
        whole = self.dice.uniform(_SHORTEST, _LONGEST)
        there = whole * self.skew / (1 + self.skew)
        self._ways = (there, whole - there)
        self._rate = 1 + self.dice.uniform(-_DRIFT, _DRIFT)
        self._uptime = self.dice.uniform(0, _UPTIME_MS)

    @property
    def local(self) -> Platform:
        """The client's clocks: one drifts, the other is an hour off as well."""
        return Platform(monotonic=self._monotonic, wall=self._wall, resolution_ms=1e-6)

    async def read(self) -> float:
        """Ask the server: there, whole ms, and back."""
        there, back = (await_ms + self._delay(await_ms) for await_ms in self._ways)
        await asyncio.sleep(there / 1000)
        server_ms = math.floor(server_now_ms())
        await asyncio.sleep(back / 1000)
        return server_ms

    def _delay(self, way_ms: float) -> float:
        spike = _SPIKE_MS if self.dice.random() < _SPIKES / 2 else 0.0
        return self.dice.expovariate(1 / (_JITTER * way_ms)) + spike

    def _monotonic(self) -> float:
        return self._uptime + now_ms() * self._rate

    def _wall(self) -> float:
        return EPOCH_MS + _WALL_OFF_MS + now_ms() * self._rate


def server_now_ms() -> float:
    """What the server's clock shows."""
    return EPOCH_MS + now_ms()
