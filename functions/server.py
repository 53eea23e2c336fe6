"""The container: every endpoint, live connections and the loops, in one process."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Protocol

from fastapi import FastAPI

from functions.live import stream, websocket
from functions.service import console, docs, health, metrics, ready, time
from functions.serving import Server, server_of
from functions.sessions import (
    batch,
    cancel,
    complete,
    create,
    delete,
    events,
    participants,
    pause,
    read,
    replay,
    resume,
    start,
    summary,
    switch,
)
from functions.shortcut import Shortcut
from functions.workers.audit import AuditWorker
from functions.workers.expire import DeadlineLoop
from functions.workers.recover import RecoveryLoop
from shared.bootstrap import Backend, assemble
from shared.errors import StoreUnavailable
from shared.http import application
from shared.realtime.redis import PushChannels
from shared.settings import Settings, read_settings
from shared.store.keys import OUTBOX_CHANNEL, WAKE_CHANNEL
from shared.tasks import end

_CLOCK_SAMPLES = 5

_ENDPOINTS = (
    switch,
    read,
    batch,
    create,
    summary,
    start,
    pause,
    resume,
    complete,
    cancel,
    delete,
    participants,
    events,
    replay,
    stream,
    websocket,
    time,
    health,
    ready,
    metrics,
    docs,
    console,
)


def build(settings: Settings) -> FastAPI:
    """The application with its loops, ready to be served."""
    backend = assemble(settings)
    channels = PushChannels(backend.redis)
    workers = _workers(backend, settings, channels)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await _set_clock(backend)
        _spare_the_collector()
        tasks = [asyncio.create_task(worker.run()) for worker in (channels, *workers)]
        yield
        await end(tasks)
        await backend.close()

    app = application.build(
        [endpoint.router for endpoint in _ENDPOINTS],
        service=backend.service,
        metrics=backend.metrics,
        cors_origins=settings.cors_origins,
        shortcut=Shortcut,
        lifespan=lifespan,
    )
    app.state.clock = backend.clock
    app.state.store = backend.store
    app.state.audit = backend.audit
    app.state.history = backend.history
    app.state.channels = channels
    return app


class _Worker(Protocol):
    async def run(self) -> None: ...


def _workers(backend: Backend, settings: Settings, channels: PushChannels) -> list[_Worker]:
    """What goes on without being asked, woken through `channels`."""
    deadlines = DeadlineLoop(backend.store, backend.service, backend.clock, backend.metrics)
    channels.handle(WAKE_CHANNEL, deadlines.call)
    workers: list[_Worker] = [deadlines]
    if backend.recovery:
        workers.append(RecoveryLoop(backend.recovery, backend.metrics))
    if backend.audit and settings.audit_worker == "on":
        audit = AuditWorker(backend.outbox, backend.audit, backend.clock, backend.metrics)
        channels.handle(OUTBOX_CHANNEL, audit.call)
        workers.append(audit)
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
    """The server of one instance."""
    app = build(settings)
    instance = server_of(app, settings)
    instance.on_stop = app.state.channels.close
    return instance


def main() -> None:
    """Serve until told to stop."""
    with suppress(KeyboardInterrupt):
        server(read_settings()).run()


if __name__ == "__main__":
    main()
