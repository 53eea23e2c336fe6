"""Use a Supabase project as its owner: send broadcasts and issue tokens."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import httpx
import jwt

from infra.local.realtime import LocalRealtime
from infra.local.supabase import JWT_SECRET, PUBLISHABLE_KEY, SECRET_KEY
from tests.support.api import CERTIFICATES

MINUTE_S = 60


@asynccontextmanager
async def sending_to(url: str) -> AsyncIterator["Sender"]:
    """A sender with the backend's key, to the project at `url`."""
    async with httpx.AsyncClient(
        verify=CERTIFICATES, base_url=url, headers={"apikey": SECRET_KEY}
    ) as http:
        yield Sender(http)


class Sender:
    """Sends broadcasts over HTTP with the key that `http` has."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def batch(self, *messages: Any, headers: dict[str, str] | None = None) -> httpx.Response:
        """Send several messages in one request."""
        path = "/realtime/v1/api/broadcast"
        return await self.http.post(path, json={"messages": messages}, headers=headers)

    async def single(
        self, topic: str, event: str, payload: Any, *, private: bool = True, **more: Any
    ) -> httpx.Response:
        """Send one message by itself; `more` are arguments of the request."""
        path = f"/realtime/v1/api/broadcast/{quote(topic, safe='')}/events/{event}"
        query = {"private": "true"} if private else {}
        return await self.http.post(path, params=query, json=payload, **more)

    async def mark(self, topic: str, *, private: bool = True) -> None:
        """Send a marker to `topic`: when it arrives, all earlier messages must have arrived."""
        answer = await self.batch(message(topic, "mark", private=private))
        assert answer.status_code == 202, answer.text


def message(topic: str, event: str, payload: Any = None, *, private: bool = True) -> dict[str, Any]:
    """Return a message for a batch."""
    return {"topic": topic, "event": event, "payload": payload or {}, "private": private}


def token(session: str | None, **more: Any) -> str:
    """Return a token that may listen to `session`; `more` overrides the usual claims, and `None`
    removes one."""
    usual = {"role": "authenticated", "exp": int(time.time()) + MINUTE_S, "sync_session": session}
    claims = {name: value for name, value in {**usual, **more}.items() if value is not None}
    return jwt.encode(claims, JWT_SECRET, "HS256")


def subscription(server: LocalRealtime, topic: str, token: str | None = None) -> dict[str, Any]:
    """Return the data that `GET .../realtime` would answer."""
    return {"url": server.url, "key": PUBLISHABLE_KEY, "topic": topic, "token": token}
