"""Clients that change sessions, and try again as they were told to."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any
from uuid import uuid4

import httpx

from tests.resilience.faults.attempt_log import Attempt, Ledger, is_unavailable, now
from tests.support.api import chess, participant

_PAUSE_S = 0.01
_LONG_MS = 86_400_000
"""No flag falls in a test."""


def long_game() -> dict[str, Any]:
    """A create body whose clocks outlast every test."""
    return chess(participants=[participant(_LONG_MS), participant(_LONG_MS)], increment_ms=7)


@dataclass
class Player:
    """One client of one instance; what it does, it does one after the other."""

    number: int
    http: httpx.AsyncClient
    ledger: Ledger
    session_id: str = ""

    async def play(self, ended: asyncio.Event, moves: Sequence[str]) -> None:
        """Make `moves` over and over until `ended`, and finish the last one if that is possible."""
        known: dict[str, Callable[[], Awaitable[object]]] = {
            "found": self.found,
            "read": self._read,
            "story": self._story,
            "switch": lambda: self._once("POST", f"{self._path}/switch"),
            "switch for sure": lambda: self._surely(ended, "POST", f"{self._path}/switch"),
            "adjust for sure": self._adjusting(ended),
        }
        for move in cycle(moves):
            if ended.is_set():
                return
            await known[move]()
            await asyncio.sleep(_PAUSE_S)

    async def found(self) -> str:
        """Create a session, however often that must be tried; the id is the service's."""
        answer = await self._surely(None, "POST", "/v1/sessions", long_game())
        return str(answer.json()["data"]["session_id"])

    async def start(self) -> None:
        """Start the session."""
        await self._surely(None, "POST", f"{self._path}/start")

    async def version(self) -> int:
        """That of the session as it stands, however often one must ask for it."""
        while (answer := await self._read()).status_code == 503:
            await asyncio.sleep(_PAUSE_S)
        return int(answer.json()["data"]["version"])

    @property
    def _path(self) -> str:
        return f"/v1/sessions/{self.session_id}"

    def _adjusting(self, ended: asyncio.Event) -> Callable[[], Awaitable[object]]:
        async def adjust() -> None:
            answer = await self._read()
            if answer.is_success:
                somebody = answer.json()["data"]["participants"][0]["participant_id"]
                path = f"{self._path}/participants/{somebody}"
                body = {"total_time_ms": _LONG_MS - len(self.ledger.attempts)}
                await self._surely(ended, "PATCH", path, body)

        return adjust

    async def _read(self) -> httpx.Response:
        return await self._ask("GET", self._path, uuid4().hex, is_change=False)

    async def _story(self) -> None:
        await self._ask("GET", f"{self._path}/events?limit=3", uuid4().hex, is_change=False)

    async def _once(self, method: str, path: str) -> None:
        """Without a key there is no safe second try."""
        await self._ask(method, path, uuid4().hex)

    async def _surely(
        self, ended: asyncio.Event | None, method: str, path: str, body: Any = None
    ) -> httpx.Response:
        """With one key, again and again until it succeeds, or all is over."""
        key = uuid4().hex
        while True:
            answer = await self._ask(method, path, key, body, key=key)
            if answer.status_code != 503 or (ended and ended.is_set()):
                return answer
            await asyncio.sleep(_PAUSE_S)

    async def _ask(
        self,
        method: str,
        path: str,
        operation: str,
        body: Any = None,
        *,
        key: str | None = None,
        is_change: bool = True,
    ) -> httpx.Response:
        request_id = f"{operation}-{len(self.ledger.attempts)}-{self.number}"
        headers = {"X-Request-Id": request_id} | ({"Idempotency-Key": key} if key else {})
        begun = now()
        answer = await self.http.request(method, path, json=body, headers=headers)
        assert answer.is_success or is_unavailable(answer), answer.text
        self.ledger.enter(
            Attempt(self.number, operation, request_id, begun, now() - begun, answer, is_change)
        )
        return answer
