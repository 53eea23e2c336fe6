"""The service's WebSocket."""

import json
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from synckairos.api_types import Subscription, TransportName
from synckairos.clock import ServerClock
from synckairos.measurement import measurement_of
from synckairos.timing import TOO_MANY_DELAY_MS
from synckairos.transports.interface import Disconnected, Listener, Rejected

_REJECTION_BASE = 4000
"""Close codes of a rejection are this plus the HTTP status."""

_REJECTIONS = (401, 403, 404)
_TOO_MANY = 429


class WebSocket:
    """See `Transport`."""

    kind: TransportName = "websocket"

    def __init__(
        self, url: str, query: dict[str, int], token: str | None, clock: ServerClock
    ) -> None:
        self._clock = clock
        self._url = f"{url}&{urlencode({**query, **({'token': token} if token else {})})}"
        self._socket: ClientConnection | None = None

    async def follow(self, listener: Listener) -> None:
        """See `Transport`."""
        try:
            # No size limit: a client that was suspended must be able to read what it missed.
            # No timeout: the caller bounds the time to connect.
            async with connect(
                self._url, open_timeout=None, max_size=None, close_timeout=1
            ) as socket:
                self._socket = socket
                async for text in socket:
                    message = json.loads(text)
                    if message.get("type") == "CONNECTED":
                        listener.live()
                    listener.message(message)
        except ConnectionClosed as closed:
            status = (closed.rcvd.code if closed.rcvd else 0) - _REJECTION_BASE
            if status in _REJECTIONS:
                raise Rejected(status) from closed
            delay_ms = TOO_MANY_DELAY_MS if status == _TOO_MANY else 0.0
            raise Disconnected(str(closed), delay_ms) from closed
        except (OSError, InvalidHandshake, InvalidURI, TimeoutError) as error:
            raise Disconnected(str(error)) from error
        finally:
            self._socket = None
        raise Disconnected("The service closed the connection")

    async def ping(self) -> None:
        """See `Transport`."""
        await self._send({"type": "PING", **measurement_of(self._clock)})

    async def resync(self) -> None:
        """See `Transport`."""
        await self._send({"type": "RECONNECT"})

    async def renew(self, subscription: Subscription) -> None:
        """See `Transport`."""
        await self._send({"type": "AUTHENTICATE", "token": subscription.get("token")})

    async def _send(self, message: dict[str, Any]) -> None:
        if self._socket:
            with suppress(ConnectionClosed):  # `follow` reports it
                await self._socket.send(json.dumps(message))
