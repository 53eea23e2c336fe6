"""Server-sent events of the service."""

import json
from urllib.parse import urlencode

import httpx

from synckairos.api import Api, retry_after_s
from synckairos.api_types import Subscription, TransportName
from synckairos.clock import ServerClock
from synckairos.ids import session_path
from synckairos.measurement import measurement_of
from synckairos.timing import SILENCE_TIMEOUT_MS
from synckairos.transports.event_stream import events_in
from synckairos.transports.interface import Disconnected, Listener, Rejected

_REJECTIONS = (401, 403, 404)
_TIMEOUT = httpx.Timeout(None, read=SILENCE_TIMEOUT_MS / 1000)
"""The caller bounds the time to connect."""


class ServerSentEvents:
    """See `Transport`. A stream is one-way, so it can't take a new token."""

    kind: TransportName = "sse"

    def __init__(
        self,
        api: Api,
        session_id: str,
        query: dict[str, int],
        token: str | None,
        clock: ServerClock,
    ) -> None:
        self._api = api
        whole_query = urlencode(query | measurement_of(clock))
        self._url = f"{api.base_url}{session_path(session_id)}/stream?{whole_query}"
        self._token = token

    async def follow(self, listener: Listener) -> None:
        """See `Transport`."""
        headers = {"Accept": "text/event-stream"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            async with self._api.http.stream(
                "GET", self._url, headers=headers, timeout=_TIMEOUT
            ) as answer:
                _check(answer)
                async for text in events_in(answer.aiter_bytes()):
                    message = json.loads(text)
                    if message.get("type") == "CONNECTED":
                        listener.live()
                    listener.message(message)
        except httpx.TransportError as error:
            raise Disconnected(str(error)) from error
        raise Disconnected("The service ended the stream")

    async def ping(self) -> None:
        """See `Transport`."""

    async def resync(self) -> None:
        """See `Transport`."""

    async def renew(self, subscription: Subscription) -> None:
        """See `Transport`."""


def _check(answer: httpx.Response) -> None:
    if answer.status_code in _REJECTIONS:
        raise Rejected(answer.status_code)
    kind = answer.headers.get("Content-Type", "")
    if answer.status_code != 200 or not kind.startswith("text/event-stream"):
        raise Disconnected(
            f"The service answered with status {answer.status_code} instead of a stream",
            retry_after_s(answer) * 1000,
        )
