"""Simulated network paths with latency, jitter, spikes and drifting clocks. All in ms."""

import asyncio
import math
import random
from dataclasses import dataclass

from synckairos.platform import Platform

from tests.clients.virtual import now_ms

EPOCH_MS = 1_800_000_000_000.0
_MIN_ROUND_TRIP_MS, _MAX_ROUND_TRIP_MS = 20.0, 200.0
_JITTER = 0.05
_SPIKE_MS, _SPIKE_PROBABILITY = 500.0, 0.1
_WALL_OFFSET_MS = 3_600_000.0
_DRIFT = 100e-6
_UPTIME_MS = 86_400_000.0


@dataclass
class NetworkPath:
    """One client, its clocks and its network.

    `skew` is the ratio of the latencies to the server and back.
    """

    rng: random.Random
    skew: float

    def __post_init__(self) -> None:
        round_trip = self.rng.uniform(_MIN_ROUND_TRIP_MS, _MAX_ROUND_TRIP_MS)
        there = round_trip * self.skew / (1 + self.skew)
        self._latencies_ms = (there, round_trip - there)
        self._rate = 1 + self.rng.uniform(-_DRIFT, _DRIFT)
        self._uptime = self.rng.uniform(0, _UPTIME_MS)

    @property
    def platform(self) -> Platform:
        """The client's clocks: both drift, and the wall clock is also an hour off."""
        return Platform(monotonic=self._monotonic, wall=self._wall, resolution_ms=1e-6)

    async def read(self) -> float:
        """Request the server's time, in whole ms, with both latencies."""
        there, back = (latency_ms + self._delay(latency_ms) for latency_ms in self._latencies_ms)
        await asyncio.sleep(there / 1000)
        server_ms = math.floor(server_now_ms())
        await asyncio.sleep(back / 1000)
        return server_ms

    def _delay(self, latency_ms: float) -> float:
        spike = _SPIKE_MS if self.rng.random() < _SPIKE_PROBABILITY / 2 else 0.0
        return self.rng.expovariate(1 / (_JITTER * latency_ms)) + spike

    def _monotonic(self) -> float:
        return self._uptime + now_ms() * self._rate

    def _wall(self) -> float:
        return EPOCH_MS + _WALL_OFFSET_MS + now_ms() * self._rate


def server_now_ms() -> float:
    """Return the time of the server's clock."""
    return EPOCH_MS + now_ms()
