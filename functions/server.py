"""The container: every endpoint, live connections and the loops, in one process."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

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
    participants,
    pause,
    read,
    resume,
    start,
    summary,
    switch,
)
from functions.shortcut import Shortcut
from functions.workers.expire import DeadlineLoop
from shared.bootstrap import Backend, assemble
from shared.errors import StoreUnavailable
from shared.http import application
from shared.realtime.redis import PushChannels
from shared.settings import Settings, read_settings
from shared.store.keys import WAKE_CHANNEL

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
    loop = DeadlineLoop(backend.store, backend.service, backend.clock, backend.metrics)
    channels.handle(WAKE_CHANNEL, loop.call)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await _set_clock(backend)
        _spare_the_collector()
        tasks = [asyncio.create_task(channels.run()), asyncio.create_task(loop.run())]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await backend.redis.aclose()

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
    app.state.channels = channels
    return app


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
