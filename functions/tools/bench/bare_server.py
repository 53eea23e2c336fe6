"""The server that the service runs in, for other applications."""

from typing import Any

import uvicorn

from shared import logging
from shared.settings import Settings


def serve(app: Any, settings: Settings) -> None:
    """Serve `app` until told to stop, as `functions.server` serves the service."""
    logging.configure(settings.log_level)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
    )
    uvicorn.Server(config).run()
