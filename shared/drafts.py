"""Build commits: everything that a change writes to the store."""

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
    """Context of a requested change: its origin, accepted versions and idempotency key."""

    origin: Origin
    if_match: frozenset[str] | None = None
    key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """Result of a change, for the response.

    `shown` is the Session of the API as of the change, and `encoded` the same as JSON. `expiry` is
    that of the clock that the change ended, if it had expired.
    """

    session: Session
    shown: SessionView
    encoded: msgspec.Raw
    expiry: Expiry | None = None

    @property
    def switched(self) -> msgspec.Raw:
        """The SwitchResult of the API as JSON, if the change was a switch."""
        return encoded(switch_of(self.shown, self.expiry))


def done(session: Session, now: Instant, expiry: Expiry | None = None) -> Done:
    """Return the result of the change that led to `session` at `now`."""
    shown = view_of(session, now)
    return Done(session, shown, encoded(shown), expiry)


@dataclass(frozen=True, slots=True)
class Draft:
    """A commit and its result; `done` is None if the commit removes the session."""

    commit: Commit
    done: Done | None


def draft(
    stored: Stored | None,
    steps: Sequence[Step],
    now: Instant,
    request: Request,
    limits: OwnerLimits = UNLIMITED,
) -> Draft:
    """Build the commit that applies `steps` to `stored` (None: no session yet) for `request`.

    The store refuses it if the owner would exceed `limits`.
    """
    last = steps[-1]
    session = last.session
    removed = isinstance(last, Change) and last.type is EventType.SESSION_DELETED
    result = done(session, now, last.expiry if isinstance(last, Change) else None)
    next_at = next_wakeup(session)
    commit = Commit(
        name=session.name,
        expected=stored.revision if stored else None,
        operation_id=token_hex(8),
        session=None if removed else session,
        retention_ms=DAY if removed else retention(session),
        wake_at=None if removed else _wake_at(session, now, next_at),
        now=now,
        alarm_at=None if removed else next_at,
        changes=[step for step in steps if isinstance(step, Change)],
        origin=request.origin,
        pushes=pushes(steps, now, result.encoded),
        key=request.key,
        owner=_limited_owner(session),
        owner_may_hold=limits,
        load=present_load(session),
    )
    return Draft(commit, None if removed else result)


def restoration(session: Session, now: Instant) -> Commit:
    """Build the commit that restores a session which the store has lost. It makes no change."""
    return Commit(
        name=session.name,
        expected=None,
        operation_id=token_hex(8),
        session=session,
        retention_ms=retention(session),
        wake_at=wake_at(session, now),
        now=now,
        alarm_at=next_wakeup(session),
        owner=_limited_owner(session),
        load=present_load(session),
    )


def wake_at(session: Session, now: Instant) -> Instant | None:
    """Return when to check a session without a request: when something is due, else at the end of
    its retention; None if the session has ended."""
    return _wake_at(session, now, next_wakeup(session))


def _limited_owner(session: Session) -> str | None:
    """The owner, qualified by tenant, against whose limits the session counts."""
    return session.owner and f"{session.tenant or ''}:{session.owner}"


def _wake_at(session: Session, now: Instant, next_at: Instant | None) -> Instant | None:
    if session.status.is_terminal:
        return None
    return next_at or after(now, retention(session))
