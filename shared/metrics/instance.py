"""The figures of one process: what it is, what it uses, and how well it keeps time."""

import os
import platform
from collections.abc import Callable
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

_LAG_BUCKETS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)

_MEMORY_LIMIT = Path("/sys/fs/cgroup/memory.max")
"""A container's own limit (Linux control groups, version 2)."""


class InstanceFigures:
    """Those that no request brings about; most are only computed when somebody asks."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        ProcessCollector(registry=registry)
        self._loop_lag = Histogram(
            "synckairos_event_loop_lag_ms",
            "How late the event loop woke who had slept, sampled ten times a second, ms",
            buckets=_LAG_BUCKETS_MS,
            registry=registry,
        )
        self.requests_shed = Counter(
            "synckairos_requests_shed",
            "Requests refused because the instance had too many to answer in time",
            registry=registry,
        )
        limit = self._gauge("memory_limit_bytes", "Memory that this process may use, bytes")
        limit.set(memory_limit())

    def tell_build(self, version: str) -> None:
        """Say which build this is; the platform tells the image and the machine."""
        # Not a label `instance`: Prometheus gives each series one of its own.
        labels = {
            "version": version,
            "revision": revision(),
            "machine": machine(),
        }
        name, meaning = "synckairos_build_info", "Always 1; the labels tell the build"
        Gauge(name, meaning, list(labels), registry=self._registry).labels(**labels).set(1)

    def watch_clock(self, offset_ms: Callable[[], float], error_ms: Callable[[], float]) -> None:
        """Ask these two at each scrape."""
        offset = self._gauge(
            "clock_offset_ms", "The store's clock less this machine's, as it is estimated, ms"
        )
        error = self._gauge("clock_error_ms", "The bound of that estimate's error, ms")
        offset.set_function(offset_ms)
        error.set_function(error_ms)

    def observe_loop_lag(self, lag_ms: float) -> None:
        """Somebody was woken so much later than was asked for."""
        self._loop_lag.observe(lag_ms)

    def _gauge(self, name: str, meaning: str) -> Gauge:
        return Gauge(f"synckairos_{name}", meaning, registry=self._registry)


def revision() -> str:
    """What was deployed, as far as the environment tells."""
    given = os.environ.get("SYNCKAIROS_REVISION") or os.environ.get("FLY_IMAGE_REF")
    return given or "unknown"


def machine() -> str:
    """The platform's name for the machine, or its own."""
    return os.environ.get("FLY_MACHINE_ID") or platform.node()


def memory_limit() -> int:
    """The container's limit, or all the memory there is; bytes."""
    installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(int(_MEMORY_LIMIT.read_text()), installed)
    except (OSError, ValueError):  # no control group, or one without a limit: `max`
        return installed
