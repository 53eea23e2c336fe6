"""Requests and answers of the specification as those of HTTP."""

from typing import Any

import httpx

from tests.resilience.linearizability.exchange import Answer, Asked, Opening, Seat, Shown, Verb

_UNCERTAIN = 503


async def exchange(
    http: httpx.AsyncClient,
    session_id: str,
    asked: Asked,
    *,
    patience_s: float = 10.0,
    note: str = "",
) -> Answer | None:
    """The answer to `asked`, or None where it was lost, and nobody can say whether it happened.

    `note` goes along, for those who stand on the way.
    """
    sent = request(http, session_id, asked)
    sent.headers["X-Note"] = note
    sent.extensions["timeout"] = httpx.Timeout(patience_s).as_dict()
    try:
        answer = await http.send(sent)
    except httpx.TransportError:
        return None
    return None if answer.status_code == _UNCERTAIN else answer_in(answer)


def request(http: httpx.AsyncClient | httpx.Client, session_id: str, asked: Asked) -> httpx.Request:
    """`asked` of the session of that id, as a request for `http` to send."""
    headers = {}
    if asked.if_match is not None:
        headers["If-Match"] = f'"{asked.if_match}"'
    if asked.key is not None:
        headers["Idempotency-Key"] = asked.key
    method, path = _address(session_id, asked)
    return http.build_request(method, path, json=_body(session_id, asked), headers=headers)


def answer_in(response: httpx.Response) -> Answer:
    """What `response` says; its ETag must name the version that its body shows."""
    replayed = response.headers.get("Idempotent-Replayed") == "true"
    if response.status_code >= 400:
        error = response.json()["error"]
        return Answer(response.status_code, None, error["code"], _detail(error), replayed)
    if response.status_code == 204:
        return Answer(204, replayed=replayed)
    shown = _shown(response.json()["data"])
    assert response.headers.get("ETag", f'"{shown.version}"') == f'"{shown.version}"'
    return Answer(response.status_code, shown, replayed=replayed)


def _address(session_id: str, asked: Asked) -> tuple[str, str]:
    here = f"/v1/sessions/{session_id}"
    match asked.verb:
        case Verb.CREATE:
            return "POST", "/v1/sessions"
        case Verb.READ:
            return "GET", here
        case Verb.DELETE:
            return "DELETE", here
        case Verb.SUMMARY:
            return "GET", f"{here}/summary"
        case Verb.ADD:
            return "POST", f"{here}/participants"
        case Verb.ADJUST:
            return "PATCH", f"{here}/participants/{asked.participant_id}"
        case _:
            return "POST", f"{here}/{asked.verb}"


def _body(session_id: str, asked: Asked) -> dict[str, Any] | None:
    if asked.opening:
        return _opening(asked.opening) | {"session_id": session_id}
    if asked.newcomer:
        return _seat(asked.newcomer)
    if asked.verb is Verb.ADJUST:
        return {"total_time_ms": asked.total_time_ms}
    if asked.verb is Verb.SWITCH:
        return _said(
            next_participant_id=asked.participant_id,
            current_participant_id=asked.current_participant_id,
        )
    return None


def _opening(opening: Opening) -> dict[str, Any]:
    return _said(
        sync_mode=opening.sync_mode,
        participants=[_seat(seat) for seat in opening.seats],
        total_time_ms=opening.total_time_ms,
        time_per_cycle_ms=opening.time_per_cycle_ms,
        max_time_ms=opening.max_time_ms,
        increment_ms=opening.increment_ms,
    )


def _seat(seat: Seat) -> dict[str, Any]:
    return _said(
        participant_id=seat.participant_id, total_time_ms=seat.bank_ms, group_id=seat.group_id
    )


def _said(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _shown(data: dict[str, Any]) -> Shown:
    seats = None
    if "participants" in data:
        seats = tuple(
            Seat(p["participant_id"], p.get("total_time_ms"), p.get("group_id"))
            for p in data["participants"]
        )
    active = data["active_participant_id"]
    return Shown(data["status"], data["version"], active, data.get("cycle_number"), seats)


def _detail(error: dict[str, Any]) -> int | str | None:
    """Which version or participant an error names, where it is one of two that name any."""
    details = error.get("details")
    if not isinstance(details, dict):
        return None
    named = details.get("actual_version", details.get("active_participant_id"))
    return named if isinstance(named, int | str) else None
