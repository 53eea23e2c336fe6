"""Requests at their time, from a process of its own: late answers hold nothing up.

A latency runs from the instant at which the request was due, so a generator that lags behind makes
the service look worse, never better; how late it was is reported beside.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from typing import NamedTuple

import uvloop

from tests.load.bench.figures import percentile
from tests.load.connection import Answer, Pool
from tests.load.scenarios import Scenario
from tests.load.schedule import Timed, schedule
from tests.load.targets import Target

_CHANGES = frozenset({"create", "start", "switch", "complete"})
_LEAD_S = 0.5


class Sample(NamedTuple):
    """One request: when it was due, how late it was sent, how long until its answer was there."""

    kind: str
    at_s: float
    late_ms: float
    ms: float
    status: int


class Change(NamedTuple):
    """A version that was made by a request sent at `sent_s`, on the machine's monotonic clock."""

    session: int
    version: int
    sent_s: float


class News(NamedTuple):
    """How it goes."""

    sent: int
    errors: int
    waiting: int
    p95_ms: float


@dataclass
class Shots:
    """Everything that was sent."""

    began_s: float
    samples: list[Sample] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    """Changes that named a version which was no longer the newest, and were refused for it."""
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=1000))

    def note(self, kind: str, due_s: float, sent_s: float, answer: Answer | str) -> None:
        """Record an answer, or the name of what came in its place."""
        ms = (time.monotonic() - due_s) * 1000
        status = answer.status if isinstance(answer, Answer) else 0
        late_ms = (sent_s - due_s) * 1000
        self.samples.append(Sample(kind, due_s - self.began_s, late_ms, ms, status))
        self.recent.append(ms)
        if isinstance(answer, str):
            self.errors[f"{kind}: {answer}"] += 1
        elif not 200 <= status < 300:
            self.errors[f"{kind}: {status} {answer.body[:80].decode(errors='replace')}"] += 1

    def news(self, waiting: int) -> News:
        """How it goes so far."""
        p95_ms = percentile(sorted(self.recent), 95) if self.recent else 0
        return News(len(self.samples), self.errors.total(), waiting, p95_ms)


def fire(pipe: Pipe, scenario: Scenario, targets: Sequence[Target], ports: Sequence[int]) -> Shots:
    """Send the whole schedule of `scenario`, at each port in turn."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_Gun(pipe, ports).fire(scenario, targets))


class _Gun:
    def __init__(self, pipe: Pipe, ports: Sequence[int]) -> None:
        self._pipe = pipe
        self._pools = [Pool(port) for port in ports]
        self._shots = Shots(time.monotonic() + _LEAD_S)
        self._flying: set[asyncio.Task[None]] = set()

    async def fire(self, scenario: Scenario, targets: Sequence[Target]) -> Shots:
        reporting = asyncio.create_task(self._report())
        for number, timed in enumerate(schedule(scenario, targets)):
            due_s = self._shots.began_s + timed.at_s
            if (ahead_s := due_s - time.monotonic()) > 0:
                await asyncio.sleep(ahead_s)
            self._send(timed, due_s, self._pools[number % len(self._pools)])
        if self._flying:
            await asyncio.wait(self._flying)
        reporting.cancel()
        for pool in self._pools:
            pool.close()
        return self._shots

    def _send(self, timed: Timed, due_s: float, pool: Pool) -> None:
        task = asyncio.create_task(self._await_answer(timed, due_s, pool))
        self._flying.add(task)
        task.add_done_callback(self._flying.discard)

    async def _await_answer(self, timed: Timed, due_s: float, pool: Pool) -> None:
        sent_s = time.monotonic()
        try:
            answer = await pool.send(timed.wire)
            if timed.kind in _CHANGES and answer.status < 300:
                self._shots.changes.append(Change(timed.session, answer.version, sent_s))
        except Exception as error:  # whatever it is, it came in place of an answer
            self._shots.note(timed.kind, due_s, sent_s, type(error).__name__)
        else:
            self._shots.note(timed.kind, due_s, sent_s, answer)

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(1)
            self._pipe.send(self._shots.news(len(self._flying)))
