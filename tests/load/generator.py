"""Load generator: sends requests when they are due, without waiting for earlier responses.

Latencies count from the due time, so a late generator makes the service look worse, never better.
Its lateness is reported too.
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
from tests.load.connection import Pool, Response
from tests.load.scenarios import Scenario
from tests.load.schedule import ScheduledRequest, schedule
from tests.load.targets import Target

_CHANGES = frozenset({"create", "start", "switch", "finish", "complete"})
_LEAD_S = 0.5


class Sample(NamedTuple):
    """A request: its due time, how late it was sent, its latency, its status (0: no response)."""

    kind: str
    at_s: float
    late_ms: float
    ms: float
    status: int


class AcceptedChange(NamedTuple):
    """The version that a request made; `sent_s` is on the machine's monotonic clock."""

    session: int
    version: int
    sent_s: float


class LoadProgress(NamedTuple):
    """Progress of the load; `p95_ms` is that of the last 1,000 requests."""

    sent: int
    errors: int
    waiting: int
    p95_ms: float


@dataclass
class LoadResults:
    """All requests of a run."""

    began_s: float
    samples: list[Sample] = field(default_factory=list)
    changes: list[AcceptedChange] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    stale_refused: int = 0
    """Number of changes refused because they named an old version."""
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=1000))

    def add(self, kind: str, due_s: float, sent_s: float, response: Response | str) -> None:
        """Add a request's response, or the name of the exception that replaced it."""
        ms = (time.monotonic() - due_s) * 1000
        status = response.status if isinstance(response, Response) else 0
        late_ms = (sent_s - due_s) * 1000
        self.samples.append(Sample(kind, due_s - self.began_s, late_ms, ms, status))
        self.recent.append(ms)
        if isinstance(response, str):
            self.errors[f"{kind}: {response}"] += 1
        elif not 200 <= status < 300:
            self.errors[f"{kind}: {status} {response.body[:80].decode(errors='replace')}"] += 1

    def progress(self, waiting: int) -> LoadProgress:
        """Return the progress so far."""
        p95_ms = percentile(sorted(self.recent), 95) if self.recent else 0
        return LoadProgress(len(self.samples), self.errors.total(), waiting, p95_ms)


def send_schedule(
    pipe: Pipe, scenario: Scenario, targets: Sequence[Target], ports: Sequence[int]
) -> LoadResults:
    """Send all requests of `scenario`, to the ports in turn; return the results."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_Generator(pipe, ports).send_schedule(scenario, targets))


class _Generator:
    def __init__(self, pipe: Pipe, ports: Sequence[int]) -> None:
        self._pipe = pipe
        self._pools = [Pool(port) for port in ports]
        self._results = LoadResults(time.monotonic() + _LEAD_S)
        self._in_flight: set[asyncio.Task[None]] = set()

    async def send_schedule(self, scenario: Scenario, targets: Sequence[Target]) -> LoadResults:
        reporting = asyncio.create_task(self._report())
        for number, scheduled in enumerate(schedule(scenario, targets)):
            due_s = self._results.began_s + scheduled.at_s
            if (ahead_s := due_s - time.monotonic()) > 0:
                await asyncio.sleep(ahead_s)
            self._send(scheduled, due_s, self._pools[number % len(self._pools)])
        if self._in_flight:
            await asyncio.wait(self._in_flight)
        reporting.cancel()
        for pool in self._pools:
            pool.close()
        return self._results

    def _send(self, scheduled: ScheduledRequest, due_s: float, pool: Pool) -> None:
        task = asyncio.create_task(self._await_response(scheduled, due_s, pool))
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)

    async def _await_response(self, scheduled: ScheduledRequest, due_s: float, pool: Pool) -> None:
        sent_s = time.monotonic()
        try:
            response = await pool.send(scheduled.wire)
            if scheduled.kind in _CHANGES and response.status < 300:
                self._results.changes.append(
                    AcceptedChange(scheduled.session, response.version, sent_s)
                )
        except Exception as error:  # each failure is counted, of any kind
            self._results.add(scheduled.kind, due_s, sent_s, type(error).__name__)
        else:
            self._results.add(scheduled.kind, due_s, sent_s, response)

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(1)
            self._pipe.send(self._results.progress(len(self._in_flight)))
