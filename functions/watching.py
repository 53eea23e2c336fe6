"""How the container is watched: what its figures and its traces are taken from."""

import time
from collections.abc import Callable

from starlette.types import ASGIApp

from shared import VERSION
from shared.clock import StoreClock
from shared.composition.backend import Backend
from shared.metrics.instance import machine
from shared.metrics.prometheus import PrometheusMetrics
from shared.realtime.listener import Push
from shared.settings import Settings


def watch(metrics: PrometheusMetrics, clock: StoreClock) -> Callable[[Push], None]:
    """Show the build and the clock; returns what is to be told of each push that is delivered."""
    metrics.instance.tell_build(VERSION)
    metrics.instance.watch_clock(lambda: _offset_ms(clock), lambda: _error_ms(clock))

    def delivered(push: Push) -> None:
        metrics.observe_delivery(max(0, clock.now() - (push.at or 0)))

    return delivered


def traces(
    backend: Backend, settings: Settings
) -> tuple[Callable[[ASGIApp], ASGIApp], Callable[[], None]]:
    """Trace where a collector is set up.

    Returns what puts a span around each request of an application, and what sends the last spans,
    within 2 s.
    """
    if settings.otel_exporter_otlp_endpoint is None:
        return (lambda app: app), (lambda: None)
    from shared.tracing.container import trace  # takes its time to load

    return trace(backend, VERSION, machine())


def _offset_ms(clock: StoreClock) -> float:
    return clock.now() - time.time() * 1000 if clock.was_measured else float("nan")


def _error_ms(clock: StoreClock) -> float:
    return clock.error_ms if clock.was_measured else float("nan")
