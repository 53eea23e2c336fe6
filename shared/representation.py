"""A session as clients see it: live figures beside the anchors they are worked out from."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from shared.domain.clocks import clocks_of
from shared.domain.events import Expiry
from shared.domain.session import Group, Participant, Session, Status, SyncMode
from shared.domain.timekeeping import deadline, live
from shared.domain.units import Instant, Millis
from shared.instants import datetime_of, instant_of

_FIRST = instant_of(datetime.min.replace(tzinfo=UTC))
_LAST = instant_of(datetime.max.replace(tzinfo=UTC))


@lru_cache(maxsize=4096)
def timestamp(instant: Instant | None) -> str | None:
    """ISO 8601 in UTC with milliseconds and a `Z`; an instant that has no such form is the nearest
    one that has: the calendar ends with the year 9999.

    Anchors are shown far more often than they change.
    """
    if instant is None:
        return None
    moment = datetime_of(min(max(instant, _FIRST), _LAST))
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"


def session_view(session: Session, now: Instant) -> dict[str, Any]:
    """The Session of the API, as it stands at `now`; settle it first."""
    shown = live(session, now)
    view = {
        "session_id": session.session_id,
        "sync_mode": session.sync_mode,
        "status": session.status,
        "version": session.version,
        "participants": _participants_view(session, shown),
        "groups": _groups_view(session, shown),
        "active_participant_id": _active_id(session),
        "active_group_id": _active_group_id(session),
        "starts_with": _starter_id(session),
        "total_time_ms": session.total_time_ms,
        "time_per_cycle_ms": session.time_per_cycle_ms,
        "cycle_number": session.cycle_number,
        "cycle_started_at": timestamp(session.cycle_started_at),
        "session_started_at": timestamp(session.session_started_at),
        "session_completed_at": timestamp(session.session_completed_at),
        "increment_ms": session.increment_ms,
        "max_time_ms": session.max_time_ms,
        "auto_advance": session.auto_advance,
        "action_on_timeout": session.action_on_timeout.as_dict(),
        "warn_at_ms": session.warn_at_ms or None,
        "metadata": session.metadata,
        "participants_may_pause": session.participants_may_pause or None,
        "created_at": timestamp(session.created_at),
        "updated_at": timestamp(session.updated_at),
        "server_time_ms": now,
        "deadline_at": timestamp(deadline(session)),
        "time_remaining_ms": time_remaining(shown),
    }
    return _without_absent(view)


def summary_view(session: Session, now: Instant) -> dict[str, Any]:
    """The light form: whose clock runs and what is left on it."""
    view = {
        "session_id": session.session_id,
        "status": session.status,
        "version": session.version,
        "active_participant_id": _active_id(session),
        "active_group_id": _active_group_id(session),
        "starts_with": _starter_id(session),
        "deadline_at": timestamp(deadline(session)),
        "time_remaining_ms": time_remaining(live(session, now)),
        "server_time_ms": now,
    }
    return _without_absent(view)


_SWITCH_FIELDS = (
    "session_id",
    "active_participant_id",
    "cycle_started_at",
    "participants",
    "status",
    "version",
    "cycle_number",
)


def switch_view(view: Mapping[str, Any], expiry: Expiry | None) -> dict[str, Any]:
    """The SwitchResult of the API, out of the Session's `view` after the switch.

    `expiry` tells of the clock that was switched away from, if that had run out.
    """
    result = {name: view[name] for name in _SWITCH_FIELDS}
    if expiry:
        result["action_applied"] = expiry.action_applied
        owner = expiry.side
        if owner.participant_id:
            result["expired_participant_id"] = owner.participant_id
        if owner.group_id:
            result["expired_group_id"] = owner.group_id
    return result


def _participants_view(session: Session, shown: Session) -> list[dict[str, Any]]:
    """Each participant's anchor from `session` and its live figures from `shown`."""
    active_id = _active_id(session)
    left = clocks_of(shown).left_of_all(shown)
    return [
        _participant_view(anchored, current, left_ms, active_id)
        for anchored, current, left_ms in zip(
            session.participants, shown.participants, left, strict=True
        )
    ]


def time_remaining(shown: Session) -> Millis | None:
    """What the session's countdown reads, running or stopped."""
    return clocks_of(shown).left(shown)


_NULLABLE = frozenset(
    {
        "active_participant_id",
        "time_per_cycle_ms",
        "cycle_started_at",
        "session_started_at",
        "session_completed_at",
        "deadline_at",
    }
)


def _without_absent(view: dict[str, Any]) -> dict[str, Any]:
    """Clients validate strictly: what there is none of is left out, save for six fields."""
    return {k: v for k, v in view.items() if v is not None or k in _NULLABLE}


def _participant_view(
    anchored: Participant, current: Participant, left: Millis | None, active_id: str | None
) -> dict[str, Any]:
    view: dict[str, Any] = {
        "participant_id": anchored.participant_id,
        "participant_index": anchored.participant_index,
        "time_used_ms": current.used_ms,
        "cycle_count": anchored.cycle_count,
        "is_active": anchored.participant_id == active_id,
        "has_expired": left == 0,
    }
    if anchored.bank_ms is not None:
        view["total_time_ms"] = anchored.bank_ms
    if left is not None:
        view["time_remaining_ms"] = left
    if anchored.group_id is not None:
        view["group_id"] = anchored.group_id
    return view


def _groups_view(session: Session, shown: Session) -> list[dict[str, Any]] | None:
    if session.sync_mode is not SyncMode.PER_GROUP:
        return None
    active_id = _active_group_id(session)
    used: Counter[str | None] = Counter()
    for participant in shown.participants:
        used[participant.group_id] += participant.used_ms
    return [
        _group_view(anchored, current, used[anchored.group_id], active_id)
        for anchored, current in zip(session.groups, shown.groups, strict=True)
    ]


def _group_view(
    anchored: Group, current: Group, used_ms: int, active_id: str | None
) -> dict[str, Any]:
    return {
        "group_id": anchored.group_id,
        "total_time_ms": anchored.bank_ms,
        "time_used_ms": used_ms,
        "time_remaining_ms": current.bank_ms,
        "is_active": anchored.group_id == active_id,
        "has_expired": current.bank_ms == 0,
    }


def _active_id(session: Session) -> str | None:
    """The participant whose cycle runs or is paused."""
    return session.active_participant_id if _has_begun(session) else None


def _active_group_id(session: Session) -> str | None:
    """The group of the participant whose cycle runs or is paused."""
    if session.sync_mode is not SyncMode.PER_GROUP or not _has_begun(session):
        return None
    return session.active.group_id if session.active else None


def _starter_id(session: Session) -> str | None:
    """The participant who will be active when a pending session starts."""
    return session.active_participant_id if session.status is Status.PENDING else None


def _has_begun(session: Session) -> bool:
    """Whether a cycle runs or is paused; not before the start, and not after the end."""
    return session.status is not Status.PENDING and not session.status.is_terminal
