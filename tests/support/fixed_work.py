"""Processor time in units of fixed work.

Only the thread's own processor time counts, so other processes have little effect. It is divided by
the time that fixed work takes in the same process, so the machine's speed has little effect too.
"""

import time
from collections.abc import Callable
from statistics import median

import msgspec

_FIXED_WORK_MS = 4.0
"""Processor time of `_fixed_work` on the usual machine."""

_DOCUMENT = [{"id": str(n), "values": list(range(20)), "name": None} for n in range(1_000)]


def thread_ms() -> float:
    """Return the processor time of this thread so far, ms."""
    return time.thread_time() * 1000


def slowness() -> float:
    """Return how much slower this machine is than the usual one at the moment; at least 1."""
    times = []
    for _ in range(5):
        began = thread_ms()
        _fixed_work()
        times.append(thread_ms() - began)
    return max(1.0, median(times) / _FIXED_WORK_MS)


def usual_ms(work: Callable[[], object]) -> float:
    """Return how long `work` takes on the usual machine, ms: the fastest of three runs."""
    times = []
    for _ in range(3):
        began = thread_ms()
        work()
        times.append((thread_ms() - began) / slowness())
    return min(times)


def _fixed_work() -> None:
    for _ in range(4):
        decoded = msgspec.json.decode(msgspec.json.encode(_DOCUMENT))
        assert sum(len(item["values"]) for item in decoded) == 20_000
