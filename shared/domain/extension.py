"""Soft close of a session: a switch shortly before the end gives the clock more time.

The clock meant is the session's, or else the cycle's. A cycle's clock isn't filled again by a
switch then, but carried over: otherwise every switch would postpone the end. After a flag fall the
next cycle begins with its full length.
"""

from shared.domain.errors import InvalidTransition
from shared.domain.schedule import with_end_following
from shared.domain.session import RestOfSwitch, Session
from shared.domain.units import Instant, Millis, elapsed_between
from shared.domain.values import replace


def check_not_closed(session: Session) -> None:
    """Raise `InvalidTransition` if the session has a soft close, and its clock is at zero."""
    if session.extend_on_switch is not None and not _left(session):
        raise InvalidTransition("cannot be switched: its clock is at zero", session.status)


def with_extension(before: Session, switched: Session, now: Instant) -> Session:
    """Return the session after a switch at `now`, with what the soft close gives its clock.

    `before` is the session just before the switch, and `switched` the same without a soft close.
    """
    rule = before.extend_on_switch
    if rule is None:
        return switched
    left = _left(before)
    by_ms = Millis(rule.extended(left, now, before.extensions) - left)
    carried = with_carried_clock(before, switched, by_ms)
    if not by_ms:
        return carried
    extended = with_end_following(before, carried, now)
    record = extended.switches[-1]
    rest = replace(
        record.rest or RestOfSwitch(),
        extended_by_ms=by_ms,
        end_moved_by_ms=elapsed_between(before.ends_at or now, extended.ends_at or now),
    )
    return replace(
        extended,
        extensions=before.extensions + 1,
        switches=(*extended.switches[:-1], replace(record, rest=rest)),
    )


def with_carried_clock(before: Session, switched: Session, by_ms: Millis) -> Session:
    """Return `switched` with `by_ms` more than `before` had on the clock that the soft close means.

    Without a soft close, or with that clock at zero, `switched` stays as it is.
    """
    if before.extend_on_switch is None or not _left(before):
        return switched
    value = Millis(_left(before) + by_ms)
    if before.session_left_ms is not None:
        return replace(switched, session_left_ms=value)
    if active := switched.active:
        was = before.find(active.participant_id)
        adjusted = was.next_cycle_ms if was else None
        if adjusted is not None:
            switched = switched.with_participant(replace(active, next_cycle_ms=adjusted))
    return replace(switched, cycle_left_ms=value)


def carries_cycle_clock(session: Session) -> bool:
    """Whether a switch carries the cycle's clock over."""
    return session.extend_on_switch is not None and session.session_left_ms is None


def with_full_clock(session: Session) -> Session:
    """Return the session after a flag fall, whose new cycle may be extended anew."""
    if not session.extensions or not carries_cycle_clock(session):
        return session
    return replace(session, extensions=0)


def last_extension_ms(session: Session) -> Millis | None:
    """Return by how much the last switch extended the clock; None if it didn't."""
    rest = session.switches[-1].rest if session.switches else None
    return (rest.extended_by_ms or None) if rest else None


def _left(session: Session) -> Millis:
    left = session.session_left_ms
    return (session.cycle_left_ms or Millis(0)) if left is None else left
