"""What histories are recorded on: two instances and one Redis of theirs.

No audit trail is needed: what is looked at is what clients are answered.
"""

from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from infra.local.instance import Instance, running
from infra.local.redis import embedded_redis
from tests.resilience.linearizability.checker import Verdict, check
from tests.resilience.linearizability.exchange import Answer, Asked
from tests.resilience.linearizability.recording import Record, lines, record
from tests.resilience.linearizability.specification import Specification, State

Stage = tuple[Instance, Instance]


@contextmanager
def stage(**how: Any) -> Iterator[Stage]:
    """Two instances, from when both answer to the end of the block."""
    with (
        embedded_redis() as redis_url,
        running(redis_url, **how) as one,
        running(redis_url, **how) as two,
    ):
        yield one, two


@dataclass(frozen=True, slots=True)
class Judged:
    """A history, by the seed of its dice, and whether it can be explained."""

    seed: int
    history: list[Record]
    verdict: Verdict[Asked, Answer]

    @property
    def is_explained(self) -> bool:
        """Whether everything could have happened one by one."""
        return self.verdict.is_linearizable


async def judged(seeds: Iterable[int], on: Stage) -> AsyncGenerator[Judged, None]:
    """A history for each of `seeds`, one after the other."""
    async with lines(on) as over:
        for seed in seeds:
            history = await record(seed, over)
            yield Judged(seed, history, check(history, Specification(), State()))
