"""Size of a soak test, and the failures it injects."""

from dataclasses import dataclass
from random import Random
from typing import Literal

InjectedFailure = Literal[
    "worker killed", "service killed", "database stopped", "database crashed", "primary killed"
]

_CLUSTER_SHARDS = 12


@dataclass(frozen=True, slots=True)
class SoakPlan:
    """Parameters of a soak test; the defaults are the full test."""

    changes: int = 10_000
    sessions: int = 200
    rate: float = 100.0
    """Changes per second, over all sessions."""
    worker_kills: int = 10
    service_kills: int = 2
    outage_s: float = 60.0
    seed: int = 1
    supabase: bool = False
    """Whether the worker uses Supabase's API instead of Postgres directly."""

    cluster: bool = False
    """Whether Redis is a cluster, in which a primary is killed halfway through."""
    lag_s: float = 0.0
    """Seconds without replication before that primary is killed; less than 1."""

    @property
    def shards(self) -> int:
        """Value of STORE_SHARDS."""
        return _CLUSTER_SHARDS if self.cluster else 1

    @property
    def seconds(self) -> float:
        """Duration of the load without failures, s."""
        return self.changes / self.rate

    def mishaps(self) -> list[tuple[float, InjectedFailure]]:
        """Return the failures and their times, in seconds from the start, in ascending order.

        The database is stopped early, so that it is back before it crashes near the end.
        """
        random, length = Random(self.seed), self.seconds
        schedule: list[tuple[float, InjectedFailure]] = [
            (0.1 * length, "database stopped"),
            (0.85 * length, "database crashed"),
        ]
        schedule += [(random.uniform(0, length), "worker killed") for _ in range(self.worker_kills)]
        schedule += [
            (random.uniform(0, length), "service killed") for _ in range(self.service_kills)
        ]
        if self.cluster:
            schedule.append((0.5 * length, "primary killed"))
        return sorted(schedule)
