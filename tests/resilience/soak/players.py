"""The load: clients that change sessions and retry each request until it is answered."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

import httpx

from tests.resilience.soak.plan import SoakPlan

_BANK_MS = 3_600_000
_TURN_MS = 2_000
_RETRY_S = 0.1
_ANSWER_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class AcceptedChange:
    """A change that was answered with success, so the trail must contain it."""

    session_id: str
    version: int
    request_id: str
    answered_at: float
    """`time.time()`"""


class Refused(Exception):
    """The answer was neither success nor 503; the message contains the answer."""


@dataclass
class AnswerLog:
    """The answers that the players received."""

    on_accepted: Callable[[], None]
    accepted: list[AcceptedChange] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    """First refusal by session id; the player then stops."""
    retries: int = 0

    def record(self, change: AcceptedChange) -> None:
        """Add an accepted change."""
        self.accepted.append(change)
        self.on_accepted()


class SoakPlayer:
    """Changes one session, one request after another."""

    def __init__(self, http: httpx.AsyncClient, ledger: AnswerLog, random: Random) -> None:
        self._http = http
        self._ledger = ledger
        self._random = random
        self._session_id = self._uuid()
        self._participants = [self._uuid() for _ in range(2)]
        self._is_paused = False

    async def play(self, changes: int, interval_s: float) -> None:
        """Create, change and complete the session with `changes` requests in total.

        Stops at a refusal, because the session's state then differs from what the player expects.
        """
        try:
            await self._play(changes, interval_s)
        except Refused as refusal:
            self._ledger.refused[self._session_id] = str(refusal)

    async def _play(self, changes: int, interval_s: float) -> None:
        await asyncio.sleep(self._random.uniform(0, interval_s))
        await self._post("/v1/sessions", self._creation())
        await self._change("start")
        for _ in range(changes - 3):
            await asyncio.sleep(self._random.uniform(0.5, 1.5) * interval_s)
            await self._move()
        await self._change("complete")

    def _creation(self) -> dict[str, Any]:
        """Return the body of the creation. In half of the sessions turns also time out."""
        body: dict[str, Any] = {
            "session_id": self._session_id,
            "sync_mode": "per_participant",
            "participants": [
                {"participant_id": participant, "total_time_ms": _BANK_MS}
                for participant in self._participants
            ],
        }
        if self._random.random() < 0.5:
            body |= {
                "sync_mode": "per_cycle",
                "time_per_cycle_ms": _TURN_MS,
                "auto_advance": True,
            }
        return body

    async def _move(self) -> None:
        if self._is_paused:
            self._is_paused = False
            await self._change("resume")
            return
        match self._random.choices(("switch", "pause", "adjust", "join"), (80, 12, 6, 2))[0]:
            case "switch":
                await self._change("switch")
            case "pause":
                self._is_paused = True
                await self._change("pause")
            case "adjust":
                participant = self._random.choice(self._participants)
                path = f"/v1/sessions/{self._session_id}/participants/{participant}"
                await self._request("PATCH", path, {"total_time_ms": _BANK_MS, "reason": "soak"})
            case _:
                participant = self._uuid()
                await self._change(
                    "participants", {"participant_id": participant, "total_time_ms": 1000}
                )
                self._participants.append(participant)

    async def _change(self, verb: str, body: Any = None) -> None:
        await self._post(f"/v1/sessions/{self._session_id}/{verb}", body)

    async def _post(self, path: str, body: Any) -> None:
        await self._request("POST", path, body)

    async def _request(self, method: str, path: str, body: Any) -> None:
        """Retry until answered, with the same idempotency key. Raises `RealtimeError`."""
        request_id = self._uuid()
        headers = {"Idempotency-Key": request_id, "X-Request-Id": request_id}
        while True:
            try:
                answer = await self._http.request(method, path, json=body, headers=headers)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.is_success:
                version = int(answer.headers["etag"].strip('"'))
                self._ledger.record(
                    AcceptedChange(self._session_id, version, request_id, time.time())
                )
                return
            if answer is not None and answer.status_code != 503:
                raise Refused(f"{method} {path} was answered {answer.status_code}: {answer.text}")
            self._ledger.retries += 1
            await asyncio.sleep(_RETRY_S)

    def _uuid(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))


async def play_all(url: str, plan: SoakPlan, ledger: AnswerLog) -> None:
    """Run all players to their end."""
    limits = httpx.Limits(max_connections=plan.sessions)
    async with (
        httpx.AsyncClient(
            base_url=url, timeout=_ANSWER_TIMEOUT_S, limits=limits, trust_env=False
        ) as http,
        asyncio.TaskGroup() as group,
    ):
        for number in range(plan.sessions):
            player = SoakPlayer(http, ledger, Random(f"{plan.seed}/{number}"))
            changes = plan.changes // plan.sessions
            group.create_task(player.play(changes, plan.sessions / plan.rate))
