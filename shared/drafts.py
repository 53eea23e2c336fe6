"""What is written for a change: worked out here, committed by the service."""

from collections.abc import Sequence
from secrets import token_hex

import msgspec

from shared.domain.events import Change, EventType, Expiry, Step
from shared.domain.frozen import dataclass
from shared.domain.load import present_load
from shared.domain.session import Session
from shared.domain.timekeeping import next_wakeup, retention
from shared.domain.units import DAY, Instant, after
from shared.ports import UNLIMITED, Commit, IdempotencyKey, Origin, OwnerLimits, Stored
from shared.realtime.messages import pushes
from shared.representation import SessionView, encoded, switch_of, view_of


@dataclass(frozen=True, slots=True)
class Request:
    """What a change is asked under: by whom, on which version, as which try."""

    origin: Origin
    if_match: frozenset[str] | None = None
    key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What a change left, for the answer to it.

    `shown` is the Session of the API as it stood at the change, and `encoded` the same as JSON.
    `expiry` tells of the clock that the change ended, if that had run out.
    """

    session: Session
    shown: SessionView
    encoded: msgspec.Raw
    expiry: Expiry | None = None

    @property
    def switched(self) -> msgspec.Raw:
        """The SwitchResult of the API as JSON, where the change was a switch."""
        return encoded(switch_of(self.shown, self.expiry))


def done(session: Session, now: Instant, expiry: Expiry | None = None) -> Done:
    """What the change left that made `session` at `now`."""
    shown = view_of(session, now)
    return Done(session, shown, encoded(shown), expiry)


@dataclass(frozen=True, slots=True)
class Draft:
    """A commit, and what is shown of it; `done` is None where it removes the session."""

    commit: Commit
    done: Done | None


def draft(
    stored: Stored | None,
    steps: Sequence[Step],
    now: Instant,
    request: Request,
    limits: OwnerLimits = UNLIMITED,
) -> Draft:
    """The commit that takes `stored` through `steps`, asked for by `request`.

    It is refused where its owner would hold more than `limits` after it.
    """
    last = steps[-1]
    session = last.session
    removed = isinstance(last, Change) and last.type is EventType.SESSION_DELETED
    left = done(session, now, last.expiry if isinstance(last, Change) else None)
    next_at = next_wakeup(session)
    commit = Commit(
        name=session.name,
        expected=stored.revision if stored else None,
        operation_id=token_hex(8),
        session=None if removed else session,
        retention_ms=DAY if removed else retention(session),
        wake_at=None if removed else _watched_until(session, now, next_at),
        now=now,
        alarm_at=None if removed else next_at,
        changes=[step for step in steps if isinstance(step, Change)],
        origin=request.origin,
        pushes=pushes(steps, now, left.encoded),
        key=request.key,
        owner=_tallied(session),
        owner_may_hold=limits,
        load=present_load(session),
    )
    return Draft(commit, None if removed else left)


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
        load=present_load(session),
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
