"""Convert the specification's requests to HTTP, and HTTP responses to its answers."""

import json
from typing import Any
from urllib.parse import quote

import httpx

from tests.resilience.linearizability.exchange import (
    Answer,
    Asked,
    Opening,
    Seat,
    SessionView,
    Verb,
)

_UNCERTAIN = 503
_ON_PARTICIPANTS = {
    Verb.RUN_BEGIN: "begin",
    Verb.RUN_FINISH: "finish",
    Verb.RUN_REOPEN: "reopen",
    Verb.RUN_PAUSE: "pause",
    Verb.RUN_RESUME: "resume",
    Verb.FORFEIT: "forfeit",
}


async def send(
    http: httpx.AsyncClient,
    session_id: str,
    asked: Asked,
    *,
    timeout_s: float = 10.0,
    marker: str = "",
) -> Answer | None:
    """Send `asked` and return the answer, or None if it was lost or is a 503: the change may have
    been made or not. `marker` is sent in a header, for a proxy on the way."""
    message = request(http, session_id, asked)
    message.headers["X-Note"] = marker
    message.extensions["timeout"] = httpx.Timeout(timeout_s).as_dict()
    try:
        answer = await http.send(message)
    except httpx.TransportError:
        return None
    return None if answer.status_code == _UNCERTAIN else answer_in(answer)


def request(http: httpx.AsyncClient | httpx.Client, session_id: str, asked: Asked) -> httpx.Request:
    """Return `asked` as a request for `http` to send."""
    headers = {}
    if asked.if_match is not None:
        headers["If-Match"] = f'"{asked.if_match}"'
    if asked.key is not None:
        headers["Idempotency-Key"] = asked.key
    method, path = _address(session_id, asked)
    return http.build_request(method, path, json=_body(session_id, asked), headers=headers)


def answer_in(response: httpx.Response) -> Answer:
    """Return the answer in `response`; assert that its ETag has the version of its body."""
    replayed = response.headers.get("Idempotent-Replayed") == "true"
    if response.status_code >= 400:
        error = response.json()["error"]
        return Answer(response.status_code, None, error["code"], _detail(error), replayed)
    if response.status_code == 204:
        return Answer(204, replayed=replayed)
    view = _view(response.json()["data"])
    assert response.headers.get("ETag", f'"{view.version}"') == f'"{view.version}"'
    return Answer(response.status_code, view, replayed=replayed)


def _address(session_id: str, asked: Asked) -> tuple[str, str]:
    path = f"/v1/sessions/{session_id}"
    participant = f"{path}/participants/{quote(asked.participant_id or '', safe='')}"
    match asked.verb:
        case Verb.CREATE:
            return "POST", "/v1/sessions"
        case Verb.READ:
            return "GET", path
        case Verb.DELETE:
            return "DELETE", path
        case Verb.SUMMARY:
            return "GET", f"{path}/summary"
        case Verb.ADD:
            return "POST", f"{path}/participants"
        case Verb.ADJUST:
            return "PATCH", participant
        case Verb.GIVE:
            return "POST", f"{path}/adjust"
        case Verb.PAUSE_AHEAD:
            return "POST", f"{path}/pause"
        case verb if action := _ON_PARTICIPANTS.get(verb):
            return "POST", f"{participant}/{action}"
        case _:
            return "POST", f"{path}/{asked.verb}"


def _body(session_id: str, asked: Asked) -> dict[str, Any] | None:
    if asked.opening:
        return _opening(asked.opening) | {"session_id": session_id}
    if asked.newcomer:
        return _seat(asked.newcomer)
    if asked.verb is Verb.ADJUST:
        return {"total_time_ms": asked.total_time_ms}
    if asked.verb is Verb.GIVE:
        return {"add_ms": asked.add_ms}
    if asked.verb is Verb.UNDO:
        return {"mode": "turn_start"}
    if asked.verb is Verb.ADVANCE:
        return {"ms": 1}
    if asked.verb is Verb.GO:
        return {"item_id": asked.item_id}
    if asked.verb is Verb.PAUSE_AHEAD:
        return {"effective_at": asked.effective_at}
    if asked.verb is Verb.SWITCH:
        return _without_nones(
            next_participant_id=asked.participant_id,
            current_participant_id=asked.current_participant_id,
        )
    return None


def _opening(opening: Opening) -> dict[str, Any]:
    return _without_nones(
        sync_mode=opening.sync_mode,
        participants=[_seat(seat) for seat in opening.seats],
        total_time_ms=opening.total_time_ms,
        time_per_cycle_ms=opening.time_per_cycle_ms,
        max_time_ms=opening.max_time_ms,
        increment_ms=None if opening.time_control else opening.increment_ms,
        time_control=_control(opening.time_control),
        items=[{"item_id": name, "duration_ms": opening.item_ms} for name in opening.items] or None,
        repeat=opening.repeat,
        overtime=opening.overtime,
        start_at=opening.start_at,
        ends_at=opening.ends_at,
        begins=opening.begins,
        rounds=opening.rounds,
        test=opening.test,
    )


def _seat(seat: Seat) -> dict[str, Any]:
    return _without_nones(
        participant_id=seat.participant_id,
        total_time_ms=seat.bank_ms,
        group_id=seat.group_id,
        time_control=_control(seat.time_control),
    )


def _control(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _without_nones(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _view(data: dict[str, Any]) -> SessionView:
    seats = None
    if "participants" in data:
        seats = tuple(
            Seat(
                p["participant_id"],
                p.get("total_time_ms"),
                p.get("group_id"),
                _text(p),
                p.get("state"),
                "begun_at" in p,
            )
            for p in data["participants"]
        )
    return SessionView(
        data["status"],
        data["version"],
        data["active_participant_id"],
        data.get("cycle_number"),
        seats,
        data.get("active_item_id"),
        "scheduled" in data,
    )


def _text(participant: dict[str, Any]) -> str | None:
    """Return the participant's own time control as JSON with sorted keys."""
    control = participant.get("time_control")
    return None if control is None else json.dumps(control, sort_keys=True)


def _detail(error: dict[str, Any]) -> int | str | None:
    """Return the version or participant in the details of a 412 or 409, else None."""
    details = error.get("details")
    if not isinstance(details, dict):
        return None
    named = details.get("actual_version", details.get("active_participant_id"))
    return named if isinstance(named, int | str) else None
