"""uvicorn's WebSockets, which can be cut."""

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

_UNREAD_BYTES = 65_536
"""What may wait for a client to read before its queue fills up."""


class Connection(WebSocketsSansIOProtocol):
    """One client's."""

    async def run_asgi(self) -> None:
        """Serve it; the application may cut it, and needn't wait for a client to do so."""
        self.transport.set_write_buffer_limits(_UNREAD_BYTES)
        self.scope["state"]["cut"] = self.cut
        await super().run_asgi()

    def cut(self) -> None:
        """End it without a goodbye."""
        self.transport.abort()
