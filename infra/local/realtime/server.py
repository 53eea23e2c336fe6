"""uvicorn in the caller's event loop, with abortable WebSockets."""

import uvicorn
from starlette.types import ASGIApp

from infra.local import serving
from infra.local.realtime.connection import Connection

_MAX_FRAME_BYTES = 5_000_000
_KEEP_ALIVE_S = 300  # longer than clients keep an idle connection
_GRACE_S = 1


class RealtimeServer(serving.InLoopServer):
    """Serves the application of one project."""

    def __init__(self, app: ASGIApp) -> None:
        config = uvicorn.Config(
            app,
            ws=Connection,
            ws_max_size=_MAX_FRAME_BYTES,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            access_log=False,
            log_level="error",
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_GRACE_S,
        )
        super().__init__(config)

    def abort_sockets(self) -> None:
        """Abort all WebSocket connections."""
        for connection in list(self.server_state.connections):
            if isinstance(connection, Connection):
                connection.cut()
