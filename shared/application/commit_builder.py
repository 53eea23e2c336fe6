"""Build commits: everything that a change writes to the store."""

from collections.abc import Sequence
from os import urandom
from typing import NamedTuple

import msgspec

from shared.application.ports.commit import (
    UNLIMITED,
    Commit,
    IdempotencyKey,
    Origin,
    OwnerLimits,
    StoredSession,
)
from shared.application.push_messages import pushes
from shared.application.session_time import store_time
from shared.application.session_view import encode_view, participant_result_view, switch_view
from shared.application.shown_state import ShownState
from shared.application.snapshots import snapshots_of
from shared.domain.automatic_load import current_load
from shared.domain.events import EventType, Expiry, SessionChange, SessionStep
from shared.domain.session import Session
from shared.domain.timekeeping import next_wakeup, retention_ms
from shared.domain.units import DAY, HOUR, Instant, Millis, after
from shared.domain.values import Value


class ChangeContext(Value, frozen=True):
    """Context of a requested change: its origin, accepted versions and idempotency key.

    `is_dry_run` means that the caller wants the result only, without the change.
    """

    origin: Origin
    if_match: frozenset[str] | None = None
    key: IdempotencyKey | None = None
    is_dry_run: bool = False


class ChangeResult(Value, frozen=True):
    """Result of a change, for the response.

    `state` is the Session of the API as of the change. `expiry` is that of the clock that the
    change ended, if it had expired.
    """

    state: ShownState
    expiry: Expiry | None = None

    @property
    def session(self) -> Session:
        """The session after the change."""
        return self.state.session

    @property
    def switch_result(self) -> msgspec.Raw:
        """The SwitchResult of the API as JSON, if the change was a switch."""
        return encode_view(switch_view(self.session, self.state.view, self.expiry))

    def participant_result(self, participant_id: str) -> msgspec.Raw:
        """The ParticipantResult of the API as JSON, if the change was of an individual clock."""
        participant = self.session.find(participant_id)
        assert participant is not None
        index = participant.participant_index
        return encode_view(participant_result_view(self.session, self.state.now, index))


class BuiltCommit(Value, frozen=True):
    """A commit and its result; `result` is None if the commit removes the session."""

    commit: Commit
    result: ChangeResult | None


def build_commit(
    stored: StoredSession | None,
    steps: Sequence[SessionStep],
    now: Instant,
    context: ChangeContext,
    limits: OwnerLimits = UNLIMITED,
) -> BuiltCommit:
    """Build the commit that applies `steps` to `stored` (None: no session yet) for `context`.

    `now` is the session's time after them. The store refuses the commit if the owner would exceed
    `limits`.
    """
    last = steps[-1]
    session, base = last.session, stored.session if stored else None
    removed = isinstance(last, SessionChange) and last.type is EventType.SESSION_DELETED
    retention = DAY if removed else retention_ms(session)
    state, times = ShownState(session, now), _store_times(session, now, retention)
    changes = [step for step in steps if isinstance(step, SessionChange)]
    operation_id = _new_operation_id()
    snapshots, last_whole = snapshots_of(stored, changes, operation_id)
    owner = limited_owner(session.tenant, session.owner)
    # Partly by position: CPython 3.11 needs a dictionary for more than 15 keywords.
    commit = Commit(
        session.name,
        stored.revision if stored else None,
        operation_id,
        None if removed else session,
        retention,
        None if removed else times.wake_at,
        times.now,
        None if removed else times.alarm_at,
        changes=changes,
        origin=context.origin,
        pushes=pushes(steps, now, state, base),
        key=context.key,
        owner=owner,
        owner_limits=limits,
        load=current_load(session) if owner else 0,
        listed_until=_new_listed_until(base, session, times.now, retention),
        base=base,
        snapshots=snapshots,
        last_whole=last_whole,
    )
    if removed:
        return BuiltCommit(commit, None)
    expiry = last.expiry if isinstance(last, SessionChange) else None
    return BuiltCommit(commit, ChangeResult(state, expiry))


def build_restoring_commit(session: Session, now: Instant) -> Commit:
    """Build the commit that restores a session which the store has lost. It makes no change.

    `now` is the session's time.
    """
    retention = retention_ms(session)
    times = _store_times(session, now, retention)
    owner = limited_owner(session.tenant, session.owner)
    return Commit(
        name=session.name,
        expected=None,
        operation_id=_new_operation_id(),
        session=session,
        retention_ms=retention,
        wake_at=times.wake_at,
        now=times.now,
        alarm_at=times.alarm_at,
        owner=owner,
        load=current_load(session) if owner else 0,
        listed_until=_listed_until(times.now, retention),
    )


def _new_operation_id() -> str:
    """Return 64 random bits as text; `secrets` would take four times as long for it."""
    return urandom(8).hex()


def next_wake_at(session: Session, now: Instant) -> Instant | None:
    """Return when to check a session without a request, by the store's time.

    This is when something is due, else at the end of its retention; None if the session has ended.
    `now` is the session's time.
    """
    return _store_times(session, now, retention_ms(session)).wake_at


class _StoreTimes(NamedTuple):
    """The times of a commit, by the store's clock.

    `alarm_at` is when something is due, None if nothing is. `wake_at` is when to check the session,
    None if it has ended.
    """

    now: Instant
    alarm_at: Instant | None
    wake_at: Instant | None


def _store_times(session: Session, now: Instant, retention: Millis) -> _StoreTimes:
    """Return the times of a commit that leads to `session` at `now`, the session's time.

    `retention` is that of the session.
    """
    alarm_at = next_wakeup(session)
    if session.virtual_clock is not None:
        now = store_time(session, now)
        alarm_at = None if alarm_at is None else store_time(session, alarm_at)
    if session.status.is_terminal:
        return _StoreTimes(now, alarm_at, None)
    return _StoreTimes(now, alarm_at, alarm_at or after(now, retention))


def _listed_until(now: Instant, retention: Millis) -> Instant:
    """Return the instant until which lists keep a session that was changed at the store's `now`.

    It is after the end of the retention, and rounded so that most changes don't move it.
    """
    days = -(-retention // DAY)
    return Instant((now // HOUR + 1) * HOUR + days * DAY)


def _new_listed_until(
    before: Session | None, session: Session, now: Instant, retention: Millis
) -> Instant | None:
    """Return `_listed_until` if lists must be told of it, or of the end of the session."""
    until = _listed_until(now, retention)
    if before is None or before.status.is_terminal != session.status.is_terminal:
        return until
    changed_at = store_time(before, before.updated_at)
    return None if until == _listed_until(changed_at, retention_ms(before)) else until


def limited_owner(tenant: str | None, owner: str | None) -> str | None:
    """Return the owner, qualified by tenant, as the limits of owners name it."""
    return owner and f"{tenant or ''}:{owner}"
