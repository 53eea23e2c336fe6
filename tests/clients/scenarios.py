"""Conformance scenarios for both client libraries, and how a scenario is run."""

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from redis.asyncio import Redis

from shared.store.keys import StoreKeys
from tests.clients.driving import Driver

_FILE = Path(__file__).parents[2] / "clients" / "conformance" / "scenarios.json"
_RETRY_AFTER_S, _TIMEOUT_S = 0.2, 30.0
_ACTIONS = (
    "start",
    "switch",
    "go",
    "pause",
    "resume",
    "complete",
    "cancel",
    "begin",
    "unschedule",
    "advance",
)
_OWN_ACTIONS = ("begin", "finish", "reopen", "pause", "resume")
"""Actions on one participant."""

Scenario = dict[str, Any]

SCENARIOS: Mapping[str, Scenario] = {
    scenario["name"]: scenario for scenario in json.loads(_FILE.read_text())["scenarios"]
}


def is_possible_on(name: str, server: str) -> bool:
    """Return whether a scenario can run on that kind of server."""
    return server in SCENARIOS[name].get("servers", (server,))


@dataclass
class ScenarioRun:
    """One run of a scenario, with new ids."""

    scenario: Scenario
    driver: Driver
    http: httpx.AsyncClient
    redis_url: str
    is_on_functions: bool
    session_id: str = field(default_factory=lambda: str(uuid4()))

    def __post_init__(self) -> None:
        ids: dict[str, str] = defaultdict(lambda: str(uuid4()))
        text = json.dumps(self.scenario)
        self.scenario = json.loads(re.sub(r"\$\w+", lambda name: ids[name[0]], text))

    @property
    def path(self) -> str:
        """Path of the session."""
        return f"/v1/sessions/{self.session_id}"

    async def execute(self) -> None:
        """Create and open the session, and execute every step."""
        join = self.scenario.get("join")
        if join == "before":
            await self.driver.opened(self.session_id)
        else:
            await self._create()
        if join is None:
            await self.driver.opened(self.session_id)
        for step in self.scenario["steps"]:
            await self._step(step)

    async def _step(self, step: Scenario) -> None:
        if "wait_ms" in step:
            await asyncio.sleep(step["wait_ms"] / 1000)
        elif "until" in step:
            await self.driver.until_event(self.session_id, step["until"], step["count"])
        elif "client" in step:
            await self.driver.do(self.session_id, step["client"], step.get("args"))
        elif step["do"] == "join":
            await self.driver.opened(self.session_id)
        elif step.get("at_once"):
            await asyncio.gather(*(self._change(step) for _ in range(step["times"])))
        else:
            for _ in range(step.get("times", 1)):
                await self._change(step)

    async def _change(self, step: Scenario) -> None:
        verb, body = step["do"], step.get("body")
        if verb == "create":
            await self._create()
        elif verb == "delete":
            await self._send("DELETE", self.path)
        elif verb == "forget":
            await self._forget()
        elif verb == "add":
            await self._send("POST", f"{self.path}/participants", body)
        elif verb in _OWN_ACTIONS and "participant" in step:
            await self._send("POST", f"{self.path}/participants/{step['participant']}/{verb}", body)
        elif verb == "adjust":
            await self._send("PATCH", f"{self.path}/participants/{step['participant']}", body)
        else:
            assert verb in _ACTIONS
            await self._send("POST", f"{self.path}/{verb}", body)

    async def _create(self) -> None:
        body = {"session_id": self.session_id, **self.scenario["create"]}
        await self._send("POST", "/v1/sessions", body)

    async def _forget(self) -> None:
        """Delete the deleted session's entry, which blocks its id for a day."""
        async with Redis.from_url(self.redis_url) as redis:
            assert await redis.delete(StoreKeys().session(self.session_id)) == 1

    async def _send(self, method: str, path: str, body: Any = None) -> None:
        """Send a request; repeat it after a 503, as every client does."""
        headers = {"Idempotency-Key": str(uuid4())}
        body = json.loads(re.sub(r'"in (\d+) ms"', _instant_after, json.dumps(body)))
        async with asyncio.timeout(_TIMEOUT_S):
            while True:
                answer = await self.http.request(method, path, json=body, headers=headers)
                if answer.status_code != 503:
                    break
                await asyncio.sleep(_RETRY_AFTER_S)
        assert answer.is_success, answer.text


def _instant_after(named: re.Match[str]) -> str:
    """Return the instant so many ms from now, as JSON."""
    instant = datetime.now(UTC) + timedelta(milliseconds=int(named[1]))
    return json.dumps(instant.isoformat(timespec="milliseconds"))
