"""The messages that clients receive, the same on every transport (API §3)."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from shared.domain.events import Change, EventType, Expiry, Step, Warned
from shared.domain.session import Session
from shared.domain.units import Instant, elapsed_between
from shared.representation import encoded_view, view_of

_encode = msgspec.json.Encoder().encode


def pushes(steps: Sequence[Step], now: Instant, last_view: msgspec.Raw) -> list[bytes]:
    """What to tell subscribers of `steps`, in order, when they are committed at `now`.

    `last_view` is the Session that the last step left; an earlier one is shown as it stood when
    it was made, for its clocks have been overtaken by the steps behind it.
    """
    messages: list[bytes] = []
    for step in steps:
        view = last_view if step is steps[-1] else encoded_view(step.session, step.occurred_at)
        messages += map(_encode, _messages_of(step, now, view))
    return messages


def state_sync(session: Session, now: Instant) -> bytes:
    """The whole state, for one who asks."""
    return _encode(_message("STATE_SYNC", session.session_id, now, state=view_of(session, now)))


def session_deleted(session_id: str, now: Instant) -> bytes:
    """That the session is gone, for one who may not have heard."""
    return _encode(_message("SESSION_DELETED", session_id, now))


def connected(session_id: str, now: Instant) -> bytes:
    """The greeting of a fresh connection."""
    return _encode(_message("CONNECTED", session_id, now))


def pong(session_id: str, now: Instant, client_timestamp: Any, newest_version: int | None) -> bytes:
    """The answer to a `PING`.

    It has no `version` where `newest_version` is None, and no `clientTimestamp` where the client
    gave none.
    """
    known = {"version": newest_version, "clientTimestamp": client_timestamp}
    given = {name: value for name, value in known.items() if value is not None}
    return _encode(_message("PONG", session_id, now, **given))


def authenticated(now: Instant, expires_at_s: float | None) -> bytes:
    """The answer to a fresh token; `expires_at_ms` is when that one ends."""
    ends = None if expires_at_s is None else round(expires_at_s * 1000)
    return _encode({"type": "AUTHENTICATED", "timestamp": now, "expires_at_ms": ends})


def error(now: Instant, code: str, message: str) -> bytes:
    """What was wrong with a client's message."""
    return _encode({"type": "ERROR", "timestamp": now, "code": code, "message": message})


def _messages_of(step: Step, now: Instant, view: Any) -> Iterator[dict[str, Any]]:
    session_id = step.session.session_id
    if isinstance(step, Warned):
        yield _warning(step, now)
        return
    if step.type is EventType.SESSION_DELETED:
        yield _message("SESSION_DELETED", session_id, now)
        return
    if step.type is EventType.TIME_EXPIRED and step.expiry:
        yield _expired(step, step.expiry, now)
    yield _message("STATE_UPDATE", session_id, now, state=view, cause=step.type)


def _expired(change: Change, expiry: Expiry, now: Instant) -> dict[str, Any]:
    return _message(
        "TIME_EXPIRED",
        change.session.session_id,
        now,
        **_owner(expiry.side.participant_id, expiry.side.group_id),
        deadline_ms=change.occurred_at,
        action_applied=expiry.action_applied,
    )


def _warning(warned: Warned, now: Instant) -> dict[str, Any]:
    since = elapsed_between(warned.occurred_at, now)
    return _message(
        "TIME_WARNING",
        warned.session.session_id,
        now,
        **_owner(warned.side.participant_id, warned.side.group_id),
        time_remaining_ms=max(0, warned.threshold_ms - since),
        threshold_ms=warned.threshold_ms,
    )


def _owner(participant_id: str | None, group_id: str | None) -> dict[str, str]:
    named = {"participant_id": participant_id, "group_id": group_id}
    return {name: owner for name, owner in named.items() if owner is not None}


def _message(kind: str, session_id: str, now: Instant, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "sessionId": session_id, "timestamp": now, **fields}
