"""Set-up of the container's metrics and traces, and the measurement of its event loop."""

import asyncio
import time
from collections.abc import Callable

from starlette.types import ASGIApp

from shared import VERSION
from shared.application.store_clock import StoreClock
from shared.composition.backend import Backend
from shared.observability.process_metrics import machine_id
from shared.observability.prometheus import PrometheusMetrics
from shared.realtime.listener import Push
from shared.settings.settings import Settings

_LAG_INTERVAL_S = 0.1


def export_instance_metrics(
    metrics: PrometheusMetrics, clock: StoreClock
) -> Callable[[Push], None]:
    """Export build and clock metrics; return a callback that measures each delivered push."""
    metrics.instance.set_build_info(VERSION)
    metrics.instance.add_clock_gauges(lambda: _offset_ms(clock), lambda: _error_ms(clock))

    def observe(push: Push) -> None:
        metrics.observe_delivery(max(0, clock.now() - (push.at or 0)))

    return observe


def configure_tracing(
    backend: Backend, settings: Settings
) -> tuple[Callable[[ASGIApp], ASGIApp], Callable[[], None]]:
    """Enable tracing if a collector is configured.

    Return a wrapper that adds a span to each request of an application, and a function that sends
    the last spans within 2 s.
    """
    if settings.otel_exporter_otlp_endpoint is None:
        return (lambda app: app), (lambda: None)
    from shared.observability.tracing.container import instrument  # slow to import

    return instrument(backend, VERSION, machine_id())


class LoopLag:
    """Sleeps 0.1 s at a time, and passes to `observe` how late it was woken (ms)."""

    def __init__(self, observe: Callable[[float], None]) -> None:
        self._observe = observe

    async def run(self) -> None:
        """Measure until cancelled.

        An event loop that was blocked for a second counts as ten late samples, not one.
        """
        due = time.monotonic()
        while True:
            due += _LAG_INTERVAL_S
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self._observe(max(0.0, (time.monotonic() - due) * 1000))


def _offset_ms(clock: StoreClock) -> float:
    return clock.now() - time.time() * 1000 if clock.was_measured else float("nan")


def _error_ms(clock: StoreClock) -> float:
    return clock.error_ms if clock.was_measured else float("nan")
