"""How long a soak is and what goes wrong in it."""

from dataclasses import dataclass
from random import Random
from typing import Literal

Mishap = Literal[
    "worker killed", "service killed", "database away", "database crashed", "primary killed"
]

_CLUSTER_SHARDS = 12


@dataclass(frozen=True, slots=True)
class Plan:
    """The full soak; shorter ones differ in numbers only."""

    changes: int = 10_000
    sessions: int = 200
    rate: float = 100.0
    """Changes a second, of all sessions together."""
    worker_kills: int = 10
    service_kills: int = 2
    outage_s: float = 60.0
    seed: int = 1
    supabase: bool = False
    """Whether the worker goes through Supabase's API instead of straight to Postgres."""

    cluster: bool = False
    """Whether Redis is a cluster, one of whose primaries is killed in the middle of it all."""
    lag_s: float = 0.0
    """How long that primary went without its replica before it is killed; less than 1 s."""

    @property
    def shards(self) -> int:
        """STORE_SHARDS."""
        return _CLUSTER_SHARDS if self.cluster else 1

    @property
    def seconds(self) -> float:
        """How long the changes take when nothing goes wrong."""
        return self.changes / self.rate

    def mishaps(self) -> list[tuple[float, Mishap]]:
        """What happens when, in seconds from the start, earliest first.

        The database goes away early enough to come back, and crashes, in the middle of it all.
        """
        dice, length = Random(self.seed), self.seconds
        chosen: list[tuple[float, Mishap]] = [
            (0.1 * length, "database away"),
            (0.85 * length, "database crashed"),
        ]
        chosen += [(dice.uniform(0, length), "worker killed") for _ in range(self.worker_kills)]
        chosen += [(dice.uniform(0, length), "service killed") for _ in range(self.service_kills)]
        if self.cluster:
            chosen.append((0.5 * length, "primary killed"))
        return sorted(chosen)
