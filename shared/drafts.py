"""What is written for a change: worked out here, committed by the service."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import msgspec

from shared.domain.events import Change, EventType, Step
from shared.domain.session import Session
from shared.domain.timekeeping import next_wakeup, retention
from shared.domain.units import Instant, after
from shared.ports import Answer, Commit, IdempotencyKey, Origin, Stored
from shared.realtime.messages import pushes
from shared.representation import session_view


@dataclass(frozen=True, slots=True)
class Request:
    """What a change is asked under: by whom, on which version, as which try."""

    origin: Origin
    if_match: frozenset[str] | None = None
    key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """A change about to be committed, for the one who words the answer."""

    change: Change
    view: dict[str, Any]
    """The Session of the API, as the change left it."""
    encoded: msgspec.Raw
    """The same as JSON."""


Wording = Callable[[Done], Answer]


def draft(
    stored: Stored | None,
    steps: Sequence[Step],
    now: Instant,
    request: Request,
    wording: Wording | None = None,
) -> Commit:
    """The commit that takes `stored` through `steps`, asked for by `request`.

    `wording` puts the last of them into the answer; without it nobody waits for one.
    """
    last = steps[-1]
    session = last.session
    removed = isinstance(last, Change) and last.type is EventType.SESSION_DELETED
    view = session_view(session, now)
    encoded = msgspec.Raw(msgspec.json.encode(view))
    next_at = next_wakeup(session)
    answered = wording(Done(last, view, encoded)) if wording and isinstance(last, Change) else None
    return Commit(
        name=session.name,
        expected=stored.revision if stored else None,
        operation_id=token_hex(8),
        session=None if removed else session,
        retention_ms=retention(session),
        wake_at=_watched_until(session, now, next_at),
        now=now,
        alarm_at=None if removed else next_at,
        changes=[step for step in steps if isinstance(step, Change)],
        origin=request.origin,
        pushes=pushes(steps, now, encoded),
        key=request.key,
        answer=answered,
        owner=_tallied(session),
    )


def restoration(session: Session, now: Instant) -> Commit:
    """The commit that puts a session back which the store has lost; nothing happened to it."""
    return Commit(
        name=session.name,
        expected=None,
        operation_id=token_hex(8),
        session=session,
        retention_ms=retention(session),
        wake_at=wake_at(session, now),
        now=now,
        alarm_at=next_wakeup(session),
        owner=_tallied(session),
    )


def wake_at(session: Session, now: Instant) -> Instant | None:
    """When to look at a session that nobody asks for, at the latest to forget it."""
    return _watched_until(session, now, next_wakeup(session))


def _tallied(session: Session) -> str | None:
    """For whom the session counts while it is live."""
    return session.owner and f"{session.tenant or ''}:{session.owner}"


def _watched_until(session: Session, now: Instant, next_at: Instant | None) -> Instant | None:
    if session.status.is_terminal:
        return None
    return next_at or after(now, retention(session))
