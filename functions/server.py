"""The container: all endpoints, live connections and background workers in one process."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from secrets import token_hex

from fastapi import FastAPI
from starlette.types import ASGIApp

from functions.container.http_server import Server, build_server
from functions.container.live import stream, websocket
from functions.container.live.presence_pushes import PresencePushes
from functions.container.live.presence_reports import PresenceReports
from functions.container.live.subscription import ConnectionLimit, LiveConnections
from functions.container.observability import (
    configure_tracing,
    export_instance_metrics,
)
from functions.container.workers import Worker, build_channels, build_workers
from functions.endpoints import ROUTES
from functions.service import metrics as metrics_endpoint
from functions.service.reference import reference_documents
from shared.application.activity import Activity
from shared.application.errors import StoreUnavailable
from shared.application.event_loop import cancel_and_wait
from shared.composition.backend import Backend
from shared.composition.container import container
from shared.composition.http_components import build_http_components
from shared.http.pipeline import Pipeline
from shared.observability.prometheus import PrometheusMetrics
from shared.realtime.redis import RedisFanOut
from shared.settings.production import require_production_ready
from shared.settings.settings import Settings, read_settings

_CLOCK_SAMPLES = 5


@dataclass(frozen=True, slots=True)
class Container:
    """The ASGI application, and the parts that the server needs to stop and to count."""

    app: ASGIApp
    pipeline: Pipeline
    channels: RedisFanOut
    metrics: PrometheusMetrics


def build(settings: Settings) -> Container:
    """Build the container that `settings` describe.

    Ends the process if a setting that production requires is missing.
    """
    require_production_ready(settings)
    metrics = PrometheusMetrics(per_tenant=settings.metrics_token is not None)
    backend, redis = container(settings, metrics)
    activity = Activity()
    observe = export_instance_metrics(metrics, backend.clock)
    channels = build_channels(backend, redis, metrics, activity, observe)
    components = build_http_components(backend, settings, metrics, holds_sockets=True)
    sockets = ConnectionLimit(settings.max_sockets_per_caller, settings.sockets_per_address)
    reports = PresenceReports(backend.presence, token_hex(8))
    presence = PresencePushes(
        backend.presence, channels, backend.keys.presence_channel, backend.clock
    )
    live = LiveConnections(components, channels, sockets, metrics, reports, presence)
    add_tracing, finish_traces = configure_tracing(backend, settings)
    workers: list[Worker] = [
        channels,
        reports,
        presence,
        *build_workers(backend, metrics, settings, channels, activity),
    ]
    fallback = FastAPI(lifespan=_lifespan(backend, workers, finish_traces), openapi_url=None)
    fallback.include_router(websocket.router_of(live))
    routes = [*ROUTES, *stream.routes_of(live), *metrics_endpoint.routes_of(metrics, settings)]
    routes += [document.route() for document in reference_documents(list(routes))]
    pipeline = Pipeline(routes, components, settings.cors_origins, fallback, activity.note)
    return Container(add_tracing(pipeline), pipeline, channels, metrics)


def _lifespan(
    backend: Backend, workers: Sequence[Worker], finish_traces: Callable[[], None]
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Start the workers before the instance serves; end them and close the backend after it."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await _synchronize_clock(backend)
        _freeze_startup_objects()
        tasks = [asyncio.create_task(worker.run()) for worker in workers]
        yield
        await cancel_and_wait(tasks)
        await backend.close()
        finish_traces()

    return lifespan


def _freeze_startup_objects() -> None:
    """Exclude the objects made at start-up from garbage collection.

    They live as long as the process; searching them delayed all requests by tens of milliseconds.
    """
    gc.collect()
    gc.freeze()


async def _synchronize_clock(backend: Backend) -> None:
    """Measure the clock offset before the first request.

    If the store is unavailable, its first reply sets the clock later.
    """
    with suppress(StoreUnavailable):
        for _ in range(_CLOCK_SAMPLES):
            await backend.store.time()


def server(settings: Settings) -> Server:
    """Build the server of one instance, which disconnects its live clients before it stops."""
    built = build(settings)
    tasks: list[asyncio.Task[None]] = []

    def drain(seconds: float) -> None:
        built.pipeline.components.is_shutting_down = True
        tasks.append(asyncio.create_task(built.channels.drain(seconds)))

    instance = build_server(
        built.app, settings, count_shed=built.metrics.instance.requests_shed.inc
    )
    instance.on_leave = drain
    instance.on_stop = built.channels.close
    return instance


def main() -> None:
    """Serve until a signal stops the process."""
    with suppress(KeyboardInterrupt):
        server(read_settings()).run()


if __name__ == "__main__":
    main()
