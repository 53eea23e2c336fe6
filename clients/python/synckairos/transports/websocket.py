"""The service's WebSocket."""

import json
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from synckairos.states import Kind, Subscription
from synckairos.transports.base import Down, Hearer, Turned

_REFUSED = 4000
"""Close codes of a rejection are this plus the HTTP status."""

_TURNED_AWAY = (401, 403, 404)
_OPENS_WITHIN_S = 5.0


class WebSocket:
    """See `Transport`."""

    kind: Kind = "websocket"

    def __init__(self, url: str, token: str | None) -> None:
        query = {"sync": "1", **({"token": token} if token else {})}
        self._url = f"{url}&{urlencode(query)}"
        self._socket: ClientConnection | None = None

    async def follow(self, hearer: Hearer) -> None:
        """See `Transport`."""
        try:
            # No size limit: a client that was suspended must be able to read what it missed.
            async with connect(
                self._url, open_timeout=_OPENS_WITHIN_S, max_size=None, close_timeout=1
            ) as socket:
                self._socket = socket
                async for text in socket:
                    message = json.loads(text)
                    if message.get("type") == "CONNECTED":
                        hearer.live()
                    hearer.message(message)
        except ConnectionClosed as closed:
            status = (closed.rcvd.code if closed.rcvd else 0) - _REFUSED
            if status in _TURNED_AWAY:
                raise Turned(status) from closed
            raise Down(str(closed)) from closed
        except (OSError, InvalidHandshake, InvalidURI, TimeoutError) as error:
            raise Down(str(error)) from error
        finally:
            self._socket = None
        raise Down("The service closed the connection")

    async def ping(self) -> None:
        """See `Transport`."""
        await self._send({"type": "PING"})

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
