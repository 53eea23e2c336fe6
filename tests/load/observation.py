"""Observes the servers during a run: memory, processor time, keys, outbox, timeout lateness."""

import time
import urllib.request
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from redis import Redis

from infra.local.instance import Instance
from shared.store.keys import StoreKeys
from tests.load.failure import LoadFailed
from tests.load.stage import Servers
from tests.load.usage import Usage, read_usage

_LATENESS = "synckairos_expiry_lateness_ms"
_POLL_S = 0.05
_DRAIN_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Observation:
    """The servers at `at_s` (monotonic clock); memory and processor time by instance."""

    at_s: float
    memory_mb: tuple[float, ...]
    cpu_s: tuple[float, ...]
    keys: int
    outbox: int
    redis_bytes: int
    """Bytes that Redis has received since its start."""
    usage: Usage
    """Processor time of all processes of the run."""


class Observer:
    """Observes the servers of a run."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._redis: Any = Redis.from_url(servers.redis_url)
        self._outbox = StoreKeys().outbox(StoreKeys().all_shards[0])

    def observe(self) -> Observation:
        """Observe all servers now. Raises `LoadFailed` if an instance has ended."""
        if not all(instance.is_alive for instance in self._instances):
            raise LoadFailed("An instance of the service ended during the run.")
        pids, used = self._servers.pids, read_usage(self._servers.pids)
        memory = tuple(used.memory_mb[pid] for pid in pids)
        cpu = tuple(used.cpu_s["service", pid] for pid in pids)
        waiting = self._redis.xlen(self._outbox)
        received = int(self._redis.info("stats")["total_net_input_bytes"])
        keys = self._redis.dbsize()
        return Observation(time.monotonic(), memory, cpu, keys, waiting, received, used)

    def lateness_histogram(self) -> Counter[float]:
        """Return how many timeouts and warnings were at most so late, by bucket bound in ms.

        Sums the histograms of all instances.
        """
        found: Counter[float] = Counter()
        for instance in self._instances:
            with urllib.request.urlopen(f"{instance.url}/metrics") as response:  # nosec B310
                text = response.read().decode()
            for family in text_string_to_metric_families(text):
                if family.name == _LATENESS:
                    for sample in family.samples:
                        if sample.name.endswith("_bucket"):
                            found[float(sample.labels["le"])] += int(sample.value)
        return found

    def wait_for_outbox(self) -> int:
        """Wait until the outbox is empty, at most 10 s; return the number of entries left."""
        give_up = time.monotonic() + _DRAIN_TIMEOUT_S
        while (waiting := int(self._redis.xlen(self._outbox))) and time.monotonic() < give_up:
            time.sleep(_POLL_S)
        return waiting

    def close(self) -> None:
        """Close the Redis connection."""
        self._redis.close()

    @property
    def _instances(self) -> tuple[Instance, ...]:
        return self._servers.instances


def histogram_percentile(
    before: Mapping[float, int], after: Mapping[float, int], p: float
) -> float | None:
    """Return the bucket bound in ms that `p` % of the timeouts between two counts kept.

    None if there were none.
    """
    counts = {bound: after[bound] - before.get(bound, 0) for bound in sorted(after)}
    total = max(counts.values(), default=0)
    return next((b for b, n in counts.items() if total and n >= total * p / 100), None)
