"""Clients that change sessions and count every request that doesn't succeed at its first try."""

import asyncio
import time
from dataclasses import dataclass, field

import httpx

_PAUSE_S = 0.02


@dataclass
class Player:
    """Changes one session with one request after the other over a kept-alive connection."""

    url: str
    session_id: str
    switches: int = 0
    failures: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    version: int = 0
    is_over: bool = False

    async def play(self) -> None:
        """Send requests until `is_over` is set."""
        async with httpx.AsyncClient(base_url=self.url, timeout=30, trust_env=False) as http:
            while not self.is_over:
                await self._switch(http)
                await asyncio.sleep(_PAUSE_S)

    async def _switch(self, http: httpx.AsyncClient) -> None:
        begun = time.monotonic()
        try:
            answer = await http.post(f"/v1/sessions/{self.session_id}/switch")
        except httpx.HTTPError as error:
            self.failures.append(repr(error))
            return
        self.slowest_s = max(self.slowest_s, time.monotonic() - begun)
        if answer.status_code != 200:
            self.failures.append(f"{answer.status_code} {answer.text}")
            return
        self.switches += 1
        self.version = answer.json()["data"]["version"]
