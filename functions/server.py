"""The container: every endpoint, live connections and the loops, in one process."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from secrets import token_hex
from typing import Protocol

from fastapi import FastAPI
from starlette.types import ASGIApp

from functions.endpoints import ROUTES
from functions.live import stream, websocket
from functions.live.following import Live
from functions.live.sockets import Sockets
from functions.metrics_port import MetricsPort
from functions.service import metrics as metrics_endpoint
from functions.serving import Server, server_of
from functions.watching import traces, watch
from functions.workers.audit_worker import AuditWorker
from functions.workers.deadlines import DeadlineLoop
from functions.workers.loop_lag import LoopLag
from functions.workers.owed_pushes import OwedPushWorker
from functions.workers.recover import RecoveryLoop
from shared.composition.backend import Backend
from shared.composition.container import container
from shared.composition.parts import parts_of
from shared.errors import StoreUnavailable
from shared.http.openapi import document_route
from shared.http.pipeline import Pipeline
from shared.metrics.prometheus import PrometheusMetrics
from shared.production import require_production_ready
from shared.realtime.echo import Echo
from shared.realtime.redis import PushChannels
from shared.settings import Settings, read_settings
from shared.tasks import end

_CLOCK_SAMPLES = 5


@dataclass(frozen=True, slots=True)
class Container:
    """The application, the `pipeline` in it, and what the server stops and counts with."""

    app: ASGIApp
    pipeline: Pipeline
    channels: PushChannels
    metrics: PrometheusMetrics


def build(settings: Settings) -> Container:
    """The container as `settings` ask for it, ready to be served.

    Ends the process where production lacks something.
    """
    require_production_ready(settings)
    metrics = PrometheusMetrics(tells_tenants_apart=settings.metrics_token is not None)
    backend, redis = container(settings, metrics)
    echo = Echo(backend.keys.echo_channel(token_hex(8)), redis.publish)
    redis.call_on_change(echo.hurry)
    channels = PushChannels(
        redis.subscriber,
        backend.keys.push_channel,
        observe=watch(metrics, backend.clock),
        broken=partial(metrics.count_store_error, "connection"),
        echo=echo,
    )
    parts = parts_of(backend, settings, metrics, holds_sockets=True)
    sockets = Sockets(settings.max_sockets_per_caller, settings.sockets_per_address)
    live = Live(parts, channels, sockets, metrics)
    with_spans, finish_traces = traces(backend, settings)
    workers = [channels, *_workers(backend, metrics, settings, channels)]
    others = FastAPI(lifespan=_lifespan(backend, workers, finish_traces), openapi_url=None)
    others.include_router(websocket.router_of(live))
    routes = [*ROUTES, *stream.routes_of(live), *metrics_endpoint.routes_of(metrics, settings)]
    routes.append(document_route("/api-docs.json", routes))
    pipeline = Pipeline(routes, parts, settings.cors_origins, others)
    return Container(with_spans(pipeline), pipeline, channels, metrics)


def _lifespan(
    backend: Backend, workers: Sequence["_Worker"], finish_traces: Callable[[], None]
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """What happens around the time in which an instance serves."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await _set_clock(backend)
        _spare_the_collector()
        tasks = [asyncio.create_task(worker.run()) for worker in workers]
        yield
        await end(tasks)
        await backend.close()
        finish_traces()

    return lifespan


class _Worker(Protocol):
    async def run(self) -> None: ...


def _workers(
    backend: Backend, metrics: PrometheusMetrics, settings: Settings, channels: PushChannels
) -> list[_Worker]:
    """What goes on without being asked, woken through `channels`."""
    deadlines = DeadlineLoop(backend.store, backend.wakeups, backend.clock, metrics)
    for shard in backend.keys.all_shards:
        channels.handle(backend.keys.wake_channel(shard), deadlines.call)
    workers: list[_Worker] = [deadlines, LoopLag(metrics.instance.observe_loop_lag)]
    if settings.metrics_port:
        workers.append(MetricsPort(settings.host, settings.metrics_port, metrics, backend.store))
    if backend.recovery and settings.recovery == "on":
        workers.append(RecoveryLoop(backend.recovery, metrics))
    if backend.audit and settings.audit_worker == "on":
        audit = AuditWorker(backend.outbox, backend.audit, backend.clock, metrics)
        for shard in backend.keys.all_shards:
            channels.handle(backend.keys.outbox_channel(shard), audit.call)
        workers.append(audit)
    if backend.pushes and settings.audit_worker == "on":
        workers.append(OwedPushWorker(backend.pushes, backend.store, metrics))
    return workers


def _spare_the_collector() -> None:
    """Leave what start-up made out of garbage collection.

    It lives as long as the process; walking it held up every request for tens of milliseconds.
    """
    gc.collect()
    gc.freeze()


async def _set_clock(backend: Backend) -> None:
    """Measure the offset before the first request; without a store the first reply will do."""
    with suppress(StoreUnavailable):
        for _ in range(_CLOCK_SAMPLES):
            await backend.store.time()


def server(settings: Settings) -> Server:
    """The server of one instance, which tells its clients before it stops."""
    built = build(settings)
    leaving: list[asyncio.Task[None]] = []

    def leave(seconds: float) -> None:
        built.pipeline.parts.is_leaving = True
        leaving.append(asyncio.create_task(built.channels.send_away(seconds)))

    instance = server_of(built.app, settings, count_shed=built.metrics.instance.requests_shed.inc)
    instance.on_leave = leave
    instance.on_stop = built.channels.close
    return instance


def main() -> None:
    """Serve until told to stop."""
    with suppress(KeyboardInterrupt):
        server(read_settings()).run()


if __name__ == "__main__":
    main()
