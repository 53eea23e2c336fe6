"""A Supabase project, as its owner uses it."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import jwt

from infra.local.realtime import LocalRealtime
from infra.local.supabase import PUBLISHABLE_KEY, SECRET_KEY
from tests.support.api import CERTIFICATES

MINUTE = 60


@asynccontextmanager
async def sending_to(url: str) -> AsyncIterator["Sender"]:
    """One who sends as our backend does, to the project at `url`."""
    async with httpx.AsyncClient(
        verify=CERTIFICATES, base_url=url, headers={"apikey": SECRET_KEY}
    ) as http:
        yield Sender(http)


class Sender:
    """Sends by HTTP, with whatever key `http` has."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def batch(self, *messages: Any, headers: dict[str, str] | None = None) -> httpx.Response:
        """Several messages at once."""
        path = "/realtime/v1/api/broadcast"
        return await self.http.post(path, json={"messages": messages}, headers=headers)

    async def single(
        self,
        topic: str,
        event: str,
        payload: Any,
        headers: dict[str, str] | None = None,
        *,
        private: bool = True,
    ) -> httpx.Response:
        """One message."""
        path = f"/realtime/v1/api/broadcast/{topic}/events/{event}"
        params = {"private": "true"} if private else {}
        return await self.http.post(path, json=payload, params=params, headers=headers)

    async def mark(self, topic: str, *, private: bool = True) -> None:
        """Tell those in `topic` that everything sent before should have arrived."""
        answer = await self.batch(message(topic, "mark", private=private))
        assert answer.status_code == 202, answer.text


def message(topic: str, event: str, payload: Any = None, *, private: bool = True) -> dict[str, Any]:
    """A message of a batch."""
    return {"topic": topic, "event": event, "payload": payload or {}, "private": private}


def token(server: LocalRealtime, session: str | None, **more: Any) -> str:
    """A token that listens to that session; `more` goes before what is usual."""
    claims = {"role": "authenticated", "exp": int(time.time()) + MINUTE, "sync_session": session}
    said = {name: value for name, value in {**claims, **more}.items() if value is not None}
    return jwt.encode(said, server.jwt_secret, "HS256")


def subscription(server: LocalRealtime, topic: str, token: str | None = None) -> dict[str, Any]:
    """What `GET .../realtime` would answer."""
    return {"url": server.url, "key": PUBLISHABLE_KEY, "topic": topic, "token": token}
