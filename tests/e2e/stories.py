"""Create and change sessions over the API."""

from typing import Any
from uuid import uuid4

import httpx

_NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eve", "Finn")
_BANK_MS = 600_000

SHAPES: dict[str, dict[str, Any]] = {
    "per_participant": {"people": 2},
    "per_participant alone": {"people": 1},
    "per_participant many": {"people": 50},
    "per_cycle": {"people": 3, "time_per_cycle_ms": 60_000},
    "per_group": {"people": 4, "groups": 2},
    "global": {"people": 3, "total_time_ms": _BANK_MS, "time_per_cycle_ms": 60_000},
    "global empty": {"people": 0, "total_time_ms": _BANK_MS},
    "count_up": {"people": 2},
    "count_up alone": {"people": 1},
    "count_up empty": {"people": 0, "max_time_ms": _BANK_MS},
}
"""Create bodies in short form: every mode, with no participant to many."""


class ApiSession:
    """A session created over the API."""

    def __init__(self, url: str, body: dict[str, Any]) -> None:
        created = httpx.post(f"{url}/v1/sessions", json=body).raise_for_status().json()["data"]
        self.id = str(created["session_id"])
        self._address = f"{url}/v1/sessions/{self.id}"

    @property
    def path(self) -> str:
        """The console's path for the session."""
        return f"/?session={self.id}"

    @property
    def state(self) -> Any:
        """The session's present state."""
        return httpx.get(self._address).raise_for_status().json()["data"]

    @property
    def events(self) -> Any:
        """The first page of the session's audit trail."""
        answer = httpx.get(f"{self._address}/events", params={"limit": 500})
        return answer.raise_for_status().json()["data"]["events"]

    def do(self, *verbs: str) -> None:
        """POST the verbs one after the other."""
        for verb in verbs:
            httpx.post(f"{self._address}/{verb}").raise_for_status()

    def adjust(self, position: int, ms: int, reason: str) -> None:
        """Set the clock of the participant at `position`."""
        participant_id = self.state["participants"][position]["participant_id"]
        url = f"{self._address}/participants/{participant_id}"
        httpx.patch(url, json={"total_time_ms": ms, "reason": reason}).raise_for_status()


def create_session(url: str, shape: str = "per_participant", **more: Any) -> ApiSession:
    """Create a pending session with one of the `SHAPES`."""
    return ApiSession(url, _body(shape) | more)


def _body(shape: str) -> dict[str, Any]:
    wanted = dict(SHAPES[shape])
    ids = [str(uuid4()) for _ in range(wanted.pop("people"))]
    groups = [str(uuid4()) for _ in range(wanted.pop("groups", 0))]
    mode = shape.split()[0]
    people: list[dict[str, Any]] = [
        {"participant_id": pid, "name": (*_NAMES, f"Player {n}")[min(n, len(_NAMES))]}
        for n, pid in enumerate(ids)
    ]
    for position, one in enumerate(people):
        if mode in ("per_participant", "per_group"):
            one["total_time_ms"] = _BANK_MS
        if groups:
            one["group_id"] = groups[position % len(groups)]
    return wanted | {"sync_mode": mode, "participants": people}
