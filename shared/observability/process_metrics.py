"""Metrics of one process: build, resources, event loop and clock."""

import os
import platform
from collections.abc import Callable
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

_LAG_BUCKETS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)

_MEMORY_LIMIT = Path("/sys/fs/cgroup/memory.max")
"""The container's memory limit (Linux control groups, version 2)."""


class ProcessMetrics:
    """Process metrics; those of the process and the clock are computed at each scrape."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        ProcessCollector(registry=registry)
        self._loop_lag = Histogram(
            "synckairos_event_loop_lag_ms",
            "How late the event loop wakes up, sampled ten times a second, ms",
            buckets=_LAG_BUCKETS_MS,
            registry=registry,
        )
        self.requests_shed = Counter(
            "synckairos_requests_shed",
            "Requests refused because the instance was overloaded",
            registry=registry,
        )
        limit = self._gauge("memory_limit_bytes", "Memory available to this process, bytes")
        limit.set(memory_limit_bytes())

    def set_build_info(self, version: str) -> None:
        """Set `synckairos_build_info`; revision and machine come from the environment."""
        # The label is not `instance`, which Prometheus adds to each series itself.
        labels = {
            "version": version,
            "revision": revision(),
            "machine": machine_id(),
        }
        name, meaning = "synckairos_build_info", "Always 1; the labels identify the build"
        Gauge(name, meaning, list(labels), registry=self._registry).labels(**labels).set(1)

    def add_clock_gauges(
        self, offset_ms: Callable[[], float], error_ms: Callable[[], float]
    ) -> None:
        """Report the results of these functions at each scrape."""
        offset = self._gauge(
            "clock_offset_ms", "Estimated store clock minus this machine's clock, ms"
        )
        error = self._gauge("clock_error_ms", "Maximum error of the estimated clock offset, ms")
        offset.set_function(offset_ms)
        error.set_function(error_ms)

    def observe_loop_lag(self, lag_ms: float) -> None:
        """Record that the event loop woke a sleeping task `lag_ms` late."""
        self._loop_lag.observe(lag_ms)

    def _gauge(self, name: str, meaning: str) -> Gauge:
        return Gauge(f"synckairos_{name}", meaning, registry=self._registry)


def revision() -> str:
    """Return the deployed revision or image from the environment, or `unknown`."""
    configured = os.environ.get("SYNCKAIROS_REVISION") or os.environ.get("FLY_IMAGE_REF")
    return configured or "unknown"


def machine_id() -> str:
    """Return the platform's id of the machine, or its host name."""
    return os.environ.get("FLY_MACHINE_ID") or platform.node()


def memory_limit_bytes() -> int:
    """Return the container's memory limit or, if smaller, the installed memory; bytes."""
    installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(int(_MEMORY_LIMIT.read_text()), installed)
    except (OSError, ValueError):  # no control group, or one without a limit: `max`
        return installed
