"""Client of Supabase Realtime's HTTP API, which broadcasts messages to a private topic."""

import asyncio
import ssl
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from shared.application.ports.pending_pushes import PushFailed
from shared.application.supabase_keys import key_headers
from shared.realtime.listener import Push
from shared.realtime.message_price import ProjectRate

_PATH = "/realtime/v1/api/broadcast"
_LIMITS = httpx.Limits(keepalive_expiry=60)
_ACCEPTED = 202
_TOO_MANY = 429

_MAX_STATE_BYTES = 200_000
"""Largest message with a state, in bytes. The free plan takes 256 KB measured as Erlang terms, in
which short texts and numbers take up to a fifth more than in JSON."""


class TooManyMessages(PushFailed):
    """The project has used up its message rate (429)."""


class BroadcastClient:
    """Broadcasts to the project at `url` with its secret `key`, over persistent connections.

    A request fails after `timeout_s` seconds.
    """

    def __init__(self, url: str, key: str, certificates: ssl.SSLContext, timeout_s: float) -> None:
        self._url = url.rstrip("/") + _PATH
        self._headers = key_headers(key) | {"Content-Type": "application/json"}
        self._certificates = certificates
        self._timeout_s = timeout_s
        self.reopen()

    def reopen(self) -> None:
        """Drop all connections: those made before a process snapshot are dead."""
        self._http = httpx.AsyncClient(
            verify=self._certificates,
            timeout=self._timeout_s,
            limits=_LIMITS,
            headers=self._headers,
        )

    async def send(self, topic: str, pushes: Sequence[Push]) -> ProjectRate | None:
        """Send all of `pushes`; return the rate of the project, if the answer has it.

        The last message is always sent by itself: while the project's database is away, Realtime
        refuses a single message, but accepts a batch and drops it. Raises `PushFailed`.

        Realtime accepts a message without guaranteeing its delivery.
        """
        *others, last = pushes
        try:
            async with asyncio.timeout(self._timeout_s):
                if others:
                    _require_accepted(await self._send_together(topic, others))
                answer = await self._send_together(topic, [last])
        except TimeoutError as error:
            raise PushFailed("no answer in time") from error
        except PushFailed:
            raise
        except Exception as error:  # a failed push must never fail the change
            raise PushFailed(type(error).__name__) from error
        _require_accepted(answer)
        return _rate_in(answer)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _send_together(self, topic: str, pushes: Sequence[Push]) -> httpx.Response:
        if len(pushes) > 1:
            messages = [_message(topic, push) for push in pushes]
            return await self._post(self._url, msgspec.json.encode({"messages": messages}))
        (push,) = pushes
        path = f"/{quote(topic, safe='')}/events/{quote(push.type, safe='')}?private=true"
        return await self._post(self._url + path, msgspec.json.encode(_payload(push)))

    async def _post(self, url: str, content: bytes) -> httpx.Response:
        """Send, and repeat once: connections of a frozen function die while idle."""
        try:
            return await self._http.post(url, content=content)
        except httpx.TimeoutException:
            raise
        except httpx.TransportError:
            return await self._http.post(url, content=content)


def _require_accepted(answer: httpx.Response) -> None:
    """Raise `PushFailed` unless the messages were accepted."""
    if answer.status_code != _ACCEPTED:
        failure = TooManyMessages if answer.status_code == _TOO_MANY else PushFailed
        raise failure(f"{answer.status_code} {answer.text[:200]}")


def _rate_in(answer: httpx.Response) -> ProjectRate | None:
    """Return the rate in the header fields of an answer; None if it has none."""
    try:
        average, limit = (int(answer.headers[f"x-rate-{name}"]) for name in ("rolling", "limit"))
    except (KeyError, ValueError):
        return None
    return ProjectRate(average, limit)


def _message(topic: str, push: Push) -> dict[str, Any]:
    return {"topic": topic, "event": push.type, "payload": _payload(push), "private": True}


def _payload(push: Push) -> msgspec.Raw | dict[str, Any]:
    """Return the message. If it is too large for Supabase, its state is replaced by the version:
    clients make the state from the difference, if the message has one, or read it."""
    encoded = push.text.encode()
    if push.version is None or len(encoded) <= _MAX_STATE_BYTES:
        return msgspec.Raw(encoded)
    fields: dict[str, Any] = msgspec.json.decode(encoded, type=dict[str, msgspec.Raw])
    del fields["state"]
    return fields | {"version": push.version}
