"""Supabase Realtime's HTTP API: messages to those who listen to a private topic."""

import asyncio
import ssl
from collections.abc import Sequence
from typing import Any

import httpx
import msgspec

from shared.realtime.listener import Push
from shared.realtime.ports import PushFailed

_PATH = "/realtime/v1/api/broadcast"
_LIMITS = httpx.Limits(keepalive_expiry=60)
_ACCEPTED = 202

_LARGEST = 200_000
"""Bytes of a message that carries a state. The free plan takes 256 KB, and measures them as Erlang
does, where short texts and figures take up to a fifth more than in JSON."""


class Broadcasts:
    """Sends to the project at `url` with its secret `key`, over connections that are kept."""

    def __init__(self, url: str, key: str, certificates: ssl.SSLContext, patience_s: float) -> None:
        self._url = url.rstrip("/") + _PATH
        self._headers = _headers(key)
        self._certificates = certificates
        self._patience_s = patience_s
        self.reopen()

    def reopen(self) -> None:
        """Forget every connection: those from before a snapshot lead nowhere."""
        self._http = httpx.AsyncClient(
            verify=self._certificates,
            timeout=self._patience_s,
            limits=_LIMITS,
            headers=self._headers,
        )

    async def send(self, topic: str, pushes: Sequence[Push]) -> None:
        """Hand over all of `pushes` in one request. Raises `PushFailed`.

        That it was taken doesn't mean that anybody got it: Realtime promises no delivery.
        """
        content = msgspec.json.encode({"messages": [_message(topic, push) for push in pushes]})
        try:
            async with asyncio.timeout(self._patience_s):
                answer = await self._post(content)
        except TimeoutError as error:
            raise PushFailed("no answer in time") from error
        except Exception as error:  # whatever it is, no change fails for it
            raise PushFailed(type(error).__name__) from error
        if answer.status_code != _ACCEPTED:
            raise PushFailed(f"{answer.status_code} {answer.text[:200]}")

    async def close(self) -> None:
        """Let its connections go."""
        await self._http.aclose()

    async def _post(self, content: bytes) -> httpx.Response:
        """The answer; a connection that died while idle (a frozen function's does) is replaced."""
        try:
            return await self._http.post(self._url, content=content)
        except httpx.TimeoutException:
            raise
        except httpx.TransportError:
            return await self._http.post(self._url, content=content)


def _headers(key: str) -> dict[str, str]:
    """A secret key goes alone; a legacy one is a token, which Realtime wants as such."""
    headers = {"apikey": key, "Content-Type": "application/json"}
    if key.startswith("eyJ"):
        headers["Authorization"] = f"Bearer {key}"
    return headers


def _message(topic: str, push: Push) -> dict[str, Any]:
    return {"topic": topic, "event": push.type, "payload": _payload(push), "private": True}


def _payload(push: Push) -> msgspec.Raw | dict[str, Any]:
    """The message as it was written. One that Supabase wouldn't take goes without its state, which
    clients then read: they see by the version that they need to."""
    written = push.text.encode()
    if push.version is None or len(written) <= _LARGEST:
        return msgspec.Raw(written)
    fields: dict[str, Any] = msgspec.json.decode(written, type=dict[str, msgspec.Raw])
    del fields["state"]
    return fields | {"version": push.version}
