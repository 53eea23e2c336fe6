"""Sessions with individual clocks that are large enough for differences of states."""

from typing import Any

from tests.support.api import ApiClient

PEOPLE = [f"candidate {number}" for number in range(70)]


def exam(people: list[str] = PEOPLE) -> dict[str, Any]:
    """Return the body that creates an exam of an hour."""
    seats = [{"participant_id": name} for name in people]
    return {"sync_mode": "individual", "total_time_ms": 3_600_000, "participants": seats}


async def finish(api: ApiClient, session_id: str, who: str) -> dict[str, Any]:
    """Let a participant finish; return the whole state."""
    answer = await api.do(session_id, f"participants/{who}/finish")
    assert answer.status_code == 200, answer.text
    state: dict[str, Any] = answer.json()["data"]
    return state


def version_in(message: dict[str, Any]) -> int:
    """Return the version that a pushed message shows; 0 if it shows none."""
    return int(message.get("version") or message.get("state", {}).get("version", 0))
