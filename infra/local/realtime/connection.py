"""uvicorn's WebSocket protocol, extended with an abrupt disconnect."""

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

_UNREAD_BYTES = 65_536
"""Bytes buffered for a slow client before its frame queue starts to fill."""


class Connection(WebSocketsSansIOProtocol):
    """The connection of one client."""

    async def run_asgi(self) -> None:
        """Run the application, which may call `cut` from `scope["state"]`."""
        self.transport.set_write_buffer_limits(_UNREAD_BYTES)
        self.scope["state"]["cut"] = self.cut
        await super().run_asgi()

    def cut(self) -> None:
        """Abort the TCP connection without a close frame."""
        self.transport.abort()
