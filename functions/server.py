"""The container: every endpoint, live connections and the loops, in one process."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from socket import socket

import uvicorn
from fastapi import FastAPI

from functions.live import stream, websocket
from functions.service import console, docs, health, metrics, ready, time
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
from shared import logging
from shared.bootstrap import Backend, assemble
from shared.errors import StoreUnavailable
from shared.http import application
from shared.realtime.redis import PushChannels
from shared.settings import Settings, read_settings
from shared.store.keys import WAKE_CHANNEL

_PING_S = 15.0
_MAX_FRAME_BYTES = 64 * 1024
_GRACE_S = 5
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


class Server(uvicorn.Server):
    """uvicorn, which says when it is there and tells live connections to go before it waits."""

    on_ready: Callable[[], None] | None = None

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Accept connections."""
        await super().startup(sockets)
        if self.started and self.on_ready:
            self.on_ready()

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """End every stream, then finish what is being answered."""
        app = self.config.app
        assert isinstance(app, FastAPI)
        app.state.channels.close()
        await super().shutdown(sockets)


def server(settings: Settings) -> Server:
    """The server of one instance."""
    logging.configure(settings.log_level)
    config = uvicorn.Config(
        build(settings),
        host=settings.host,
        port=settings.port,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws_ping_interval=_PING_S,
        ws_ping_timeout=_PING_S,
        ws_max_size=_MAX_FRAME_BYTES,
        timeout_graceful_shutdown=_GRACE_S,
    )
    return Server(config)


def main() -> None:
    """Serve until told to stop."""
    with suppress(KeyboardInterrupt):
        server(read_settings()).run()


if __name__ == "__main__":
    main()
