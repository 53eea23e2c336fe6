"""Messages to clients, the same on every transport, as encoded JSON."""

from collections.abc import Sequence
from typing import Any

import msgspec

from shared.application.ports.presence import Presence
from shared.application.ports.push_message import PushMessage
from shared.application.ports.token_revocations import Revocation
from shared.application.presence import presence_view
from shared.application.session_view import encode_session_view, session_view
from shared.application.shown_state import ShownState
from shared.application.state_differences import DifferenceView, pushed_difference
from shared.domain.events import (
    EventType,
    Expiry,
    PeriodEnded,
    SessionChange,
    SessionStep,
    TimeWarning,
)
from shared.domain.session import Session
from shared.domain.units import Instant, elapsed_between

TOKENS_REVOKED = "TOKENS_REVOKED"

STATE_DIFFERENCE = "STATE_DIFFERENCE"
"""Type of a `STATE_UPDATE` between instances, which has the difference in place of the state.

Its `state` has the version only. Releases that don't know the type pass it on to their clients,
which ignore it; they count the version as sent, so that a `PONG` tells clients that they miss it.
"""

_encode = msgspec.json.Encoder().encode


def topic_name(session_name: str) -> str:
    """Return the topic of a session at Supabase Realtime.

    The name includes the tenant, so tenants don't share topics. Row-level security admits only
    listeners whose token has this name in `sync_session`.
    """
    return f"session:{session_name}"


def pushes(
    steps: Sequence[SessionStep], now: Instant, last: ShownState, before: Session | None = None
) -> list[PushMessage]:
    """Return the messages to subscribers for `steps`, in order, committed at `now`.

    `last` is the state after the last step, and `before` the session that the first step changed.
    Earlier steps show the session at their own instant, because later steps have changed its
    clocks. If the last step advances a test session, the messages of the others have their own
    instants too.
    """
    messages: list[PushMessage] = []
    end = steps[-1]
    is_advance = isinstance(end, SessionChange) and end.type is EventType.SESSION_ADVANCED
    for step in steps:
        state = last if step is end else ShownState(step.session, step.occurred_at)
        sent_at = step.occurred_at if is_advance else now
        messages += _pushes_of(step, sent_at, state, before)
        before = step.session
    return messages


def with_state(difference: str, session: Session, now: Instant) -> bytes:
    """Return the `STATE_UPDATE` in `difference` with the whole state in place of its version.

    If `session` has that version, the message is the same as that of the commit. If it has a newer
    one, the message shows that at `now`, without a difference.
    """
    fields = msgspec.json.decode(difference, type=dict[str, msgspec.Raw])
    if msgspec.json.decode(fields.pop("version")) == session.version:
        now = msgspec.json.decode(fields["timestamp"], type=Instant)
    else:
        del fields["difference"]
    state = encode_session_view(session, now)
    return _encode({**fields, "timestamp": now, "state": state})


def state_sync(session: Session, now: Instant) -> bytes:
    """Return the whole state, for one client."""
    message = _message("STATE_SYNC", session.session_id, now, state=session_view(session, now))
    return _encode(_marked(message, session))


def tokens_revoked_prefix(token_id: str | None) -> bytes:
    """Return the beginning of the notice to instances that a token is revoked, or without an id all
    tokens; the store appends the instant in ms and a closing brace. It isn't sent to clients."""
    named = {} if token_id is None else {"token_id": token_id}
    return _encode({"type": TOKENS_REVOKED, **named})[:-1] + b',"at":'


def revocation_in(message: str) -> Revocation:
    """Return the revocation in that notice."""
    return msgspec.json.decode(message, type=Revocation)


def session_deleted(session_id: str, now: Instant) -> bytes:
    """Return the notice that the session was deleted, for a client that may have missed it."""
    return _encode(_message("SESSION_DELETED", session_id, now))


def connected(session_id: str, now: Instant) -> bytes:
    """Return the first message on a new connection."""
    return _encode(_message("CONNECTED", session_id, now))


def pong(session_id: str, now: Instant, client_timestamp: Any, newest_version: int | None) -> bytes:
    """Return the answer to a `PING`.

    `version` is left out if `newest_version` is None, `clientTimestamp` if the client sent none.
    """
    optional = {"version": newest_version, "clientTimestamp": client_timestamp}
    given = {name: value for name, value in optional.items() if value is not None}
    return _encode(_message("PONG", session_id, now, **given))


def presence_changed(session_id: str, now: Instant, presence: Presence) -> bytes:
    """Return who is connected to the session, for a client that asked for it."""
    view = presence_view(session_id, presence)
    return _encode(_message("PRESENCE", session_id, now, presence=view))


def authenticated(now: Instant, expires_at_s: float | None) -> bytes:
    """Return the answer to a renewed token, with its expiry in ms."""
    expires_at_ms = None if expires_at_s is None else round(expires_at_s * 1000)
    return _encode({"type": "AUTHENTICATED", "timestamp": now, "expires_at_ms": expires_at_ms})


def error(now: Instant, code: str, message: str) -> bytes:
    """Return the notice that the service refuses a message or a request of the client."""
    return _encode({"type": "ERROR", "timestamp": now, "code": code, "message": message})


def _pushes_of(
    step: SessionStep, now: Instant, state: ShownState, before: Session | None
) -> list[PushMessage]:
    session, session_id = step.session, step.session.session_id
    if isinstance(step, TimeWarning):
        return [_push(session, _time_warning(step, now))]
    if isinstance(step, PeriodEnded):
        return [_push(session, _period_ended(step, now))]
    if step.type is EventType.SESSION_DELETED:
        return [_push(session, _message("SESSION_DELETED", session_id, now))]
    pushes = []
    if step.type is EventType.TIME_EXPIRED and step.expiry:
        pushes.append(_push(session, _time_expired(step, step.expiry, now)))
    difference = pushed_difference(before, state)
    if difference is None:
        update = _message("STATE_UPDATE", session_id, now, state=state.encoded, cause=step.type)
        pushes.append(_push(session, update))
    else:
        pushes.append(_reduced_push(step, now, state, difference))
    return pushes


def _push(session: Session, message: dict[str, Any]) -> PushMessage:
    return PushMessage(_encode(_marked(message, session)))


def _reduced_push(
    change: SessionChange, now: Instant, state: ShownState, difference: DifferenceView
) -> PushMessage:
    """Return the push that is published with the difference only."""
    session = change.session

    def encoded(kind: str, shown: Any) -> bytes:
        fields = {"state": shown, "cause": change.type, "difference": difference}
        return _encode(_marked(_message(kind, session.session_id, now, **fields), session))

    published = encoded(STATE_DIFFERENCE, {"version": session.version})
    return PushMessage(published, lambda: encoded("STATE_UPDATE", state.encoded))


def _time_expired(change: SessionChange, expiry: Expiry, now: Instant) -> dict[str, Any]:
    return _message(
        "TIME_EXPIRED",
        change.session.session_id,
        now,
        **_owner(expiry.side.participant_id, expiry.side.group_id),
        deadline_ms=change.occurred_at,
        action_applied=expiry.action_applied,
    )


def _time_warning(warned: TimeWarning, now: Instant) -> dict[str, Any]:
    value = warned.threshold_ms - elapsed_between(warned.occurred_at, now)
    return _message(
        "TIME_WARNING",
        warned.session.session_id,
        now,
        **_owner(warned.side.participant_id, warned.side.group_id),
        time_remaining_ms=max(0, value),
        threshold_ms=warned.threshold_ms,
        **({"over_ms": -value} if warned.threshold_ms < 0 else {}),
        **({"before": "start"} if warned.is_before_start else {}),
    )


def _period_ended(ended: PeriodEnded, now: Instant) -> dict[str, Any]:
    return _message(
        "PERIOD_ENDED",
        ended.session.session_id,
        now,
        **_owner(ended.side.participant_id, ended.side.group_id),
        periods_left=ended.periods_left,
        ended_ms=ended.occurred_at,
    )


def _owner(participant_id: str | None, group_id: str | None) -> dict[str, str]:
    fields = {"participant_id": participant_id, "group_id": group_id}
    return {name: owner for name, owner in fields.items() if owner is not None}


def _marked(message: dict[str, Any], session: Session) -> dict[str, Any]:
    """Return the message, marked if it is about a test session."""
    return {**message, "test": True} if session.virtual_clock else message


def _message(kind: str, session_id: str, now: Instant, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "sessionId": session_id, "timestamp": now, **fields}
