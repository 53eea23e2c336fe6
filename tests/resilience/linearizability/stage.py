"""Record and check histories on two instances that share a Redis.

There is no audit trail: the histories hold only the answers to clients.
"""

from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from infra.local.instance import Instance, running
from infra.local.redis import embedded_redis
from tests.resilience.linearizability.checker import CheckResult, check
from tests.resilience.linearizability.exchange import Answer, Asked
from tests.resilience.linearizability.recording import Record, connected, record
from tests.resilience.linearizability.specification import Specification, State

Instances = tuple[Instance, Instance]


@contextmanager
def two_instances(**how: Any) -> Iterator[Instances]:
    """Two running instances, to the end of the block."""
    with (
        embedded_redis() as redis_url,
        running(redis_url, **how) as one,
        running(redis_url, **how) as two,
    ):
        yield one, two


@dataclass(frozen=True, slots=True)
class CheckedHistory:
    """A history, the seed that it was generated from, and the checker's result."""

    seed: int
    history: list[Record]
    result: CheckResult[Asked, Answer]

    @property
    def is_linearizable(self) -> bool:
        """Whether an order of the operations explains every answer."""
        return self.result.is_linearizable


async def checked_histories(
    seeds: Iterable[int], instances: Instances
) -> AsyncGenerator[CheckedHistory, None]:
    """Record and check a history for each of `seeds`, one after the other."""
    async with connected(instances) as connections:
        for seed in seeds:
            history = await record(seed, connections)
            yield CheckedHistory(seed, history, check(history, Specification(), State()))
