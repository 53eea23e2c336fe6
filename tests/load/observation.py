"""What the servers look like from outside while the load is on."""

import time
import urllib.request
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from redis import Redis

from infra.local.instance import Instance
from shared.store.keys import Keys
from tests.load.failure import LoadFailed
from tests.load.stage import Stage
from tests.load.usage import Usage, usage

_LATENESS = "synckairos_expiry_lateness_ms"
_POLL_S = 0.05
_DRAIN_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Look:
    """One look, `at_s` on the machine's monotonic clock; memory and processor time by instance."""

    at_s: float
    memory_mb: tuple[float, ...]
    cpu_s: tuple[float, ...]
    keys: int
    outbox: int
    usage: Usage
    """Processor time of everything that takes part."""


class Observer:
    """Looks at a stage."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._redis: Any = Redis.from_url(stage.redis_url)
        self._outbox = Keys().outbox(Keys().all_shards[0])

    def look(self) -> Look:
        """What there is to be seen now. Raises `LoadFailed` when an instance is gone."""
        if not all(instance.is_alive for instance in self._instances):
            raise LoadFailed("An instance of the service has died under the load.")
        pids, used = self._stage.pids, usage(self._stage.pids)
        memory = tuple(used.memory_mb[pid] for pid in pids)
        cpu = tuple(used.cpu_s["service", pid] for pid in pids)
        waiting = self._redis.xlen(self._outbox)
        return Look(time.monotonic(), memory, cpu, self._redis.dbsize(), waiting, used)

    def lateness(self) -> Counter[float]:
        """How many wake-ups were done within so many ms, by the instances' histograms."""
        found: Counter[float] = Counter()
        for instance in self._instances:
            with urllib.request.urlopen(f"{instance.url}/metrics") as answer:  # nosec B310
                text = answer.read().decode()
            for family in text_string_to_metric_families(text):
                if family.name == _LATENESS:
                    for sample in family.samples:
                        if sample.name.endswith("_bucket"):
                            found[float(sample.labels["le"])] += int(sample.value)
        return found

    def outbox_at_rest(self) -> int:
        """How many audit entries still wait when the worker has had time enough."""
        give_up = time.monotonic() + _DRAIN_TIMEOUT_S
        while (waiting := int(self._redis.xlen(self._outbox))) and time.monotonic() < give_up:
            time.sleep(_POLL_S)
        return waiting

    def close(self) -> None:
        """Look no more."""
        self._redis.close()

    @property
    def _instances(self) -> tuple[Instance, ...]:
        return self._stage.instances


def within(before: Mapping[float, int], after: Mapping[float, int], p: float) -> float | None:
    """Within how many ms `p` % of the wake-ups between two counts were done; None for none."""
    counts = {bound: after[bound] - before.get(bound, 0) for bound in sorted(after)}
    total = max(counts.values(), default=0)
    return next((b for b, n in counts.items() if total and n >= total * p / 100), None)
