"""Clock values, deadlines and warnings, calculated from the session's anchor."""

from shared.domain.clocks import ClockOwner, clocks_of
from shared.domain.schedule import (
    ends_while_paused_at,
    starts_at,
    time_to_end_ms,
    wait_ms,
    within_end,
)
from shared.domain.session import MAX_OVERRUN, Session, Status
from shared.domain.units import DAY, Instant, Millis, after
from shared.domain.values import Value, remembered, replace


def at_time(session: Session, now: Instant) -> Session:
    """Return the session with its clocks as they are at `now`, without moving the anchor.

    If it isn't running, they are as if it ran on from `now`, or from its start if that is later.
    """
    return within_end(clocks_of(session).advance(session, now), now)


def move_anchor(session: Session, now: Instant) -> Session:
    """Return the session with its clocks as they are at `now`, and its anchor there if it runs.

    A pending session keeps the time that `ends_at` would cut, because that instant can still move.
    """
    if session.status is Status.PENDING:
        return clocks_of(session).advance(session, now)
    moved = at_time(session, now)
    if session.cycle_started_at is None:
        return moved
    return replace(moved, cycle_started_at=now, warned=None)


def deadline(session: Session) -> Instant | None:
    """Return the instant at which a running clock reaches zero next; None if none counts down."""
    return clocks_of(session).deadline(session)


def flag_grace(session: Session) -> Millis:
    """Return how long after the deadline the running clock's flag is settled, ms.

    It is 0 without lag compensation. With it, it is the owner's quota, at most 2 s: for so long, a
    switch that was sent in time may still arrive.
    """
    if session.lag is None:
        return Millis(0)
    quota = session.lag.quotas.get(clocks_of(session).owner(session).id)
    return quota.grace_ms if quota else Millis(0)


def is_flag_open(session: Session, now: Instant) -> bool:
    """Whether the running clock is at zero at `now` and its flag not settled yet.

    `session` must be settled, so that this can only be with lag compensation.
    """
    if session.lag is None:
        return False
    at = deadline(session)
    return at is not None and at <= now


def _flag_settled_at(session: Session) -> Instant | None:
    at = clocks_of(session).next_due(session)
    return at if at is None or session.lag is None else after(at, flag_grace(session))


class UpcomingNotice(Value, frozen=True):
    """A future push without a new version: a warning, or the end of an overtime period.

    `left_ms` is the time left on the clock then; for a warning it is the threshold. `place` is the
    index of the clock in `ClockRules.running`, and -1 for the end of a period, of which
    `periods_left` are left then. With `is_before_start` it is the time until `start_at`.
    """

    at: Instant
    left_ms: Millis
    place: int
    side: ClockOwner
    periods_left: int | None = None
    is_before_start: bool = False

    @property
    def rank(self) -> tuple[Instant, Millis, int]:
        """The order in which notices are due."""
        return self.at, self.left_ms, self.place


def next_notice(session: Session) -> UpcomingNotice | None:
    """Return the next warning or period end, or None.

    A warning is due when a clock comes down to a threshold, so not if the clock is at or below
    that threshold at the anchor.
    """
    last, anchor = session.warned, session.cycle_started_at
    if anchor is None:
        notices = _notices_while_stopped(session)
    elif session.awaits_first_turn:
        return None
    else:
        notices = _notices(session, anchor)
    if notices and last is not None:
        notices = [notice for notice in notices if notice.rank > last]
    return min(notices, key=lambda notice: notice.rank) if notices else None


def _notices_while_stopped(session: Session) -> list[UpcomingNotice]:
    """Return the warnings before the start, and before the end of a paused session."""
    start, end = starts_at(session), ends_while_paused_at(session)
    notices = []
    if start is not None:
        for threshold in session.warn_before_start_ms:
            at = Instant(start - threshold)
            if at > session.updated_at:
                notices.append(UpcomingNotice(at, threshold, 0, ClockOwner(), is_before_start=True))
    if end is not None:
        for threshold in session.warn_at_ms:
            if threshold < (session.session_left_ms or 0):
                at = Instant(end - threshold)
                notices.append(UpcomingNotice(at, threshold, 0, ClockOwner()))
    return notices


def _notices(session: Session, anchor: Instant) -> list[UpcomingNotice]:
    clocks = clocks_of(session)
    notices = _warnings(session, anchor) if session.warn_at_ms else []
    for side, after_ms, periods_left in clocks.period_ends(session):
        then_left = Millis((clocks.left(session) or 0) - after_ms)
        notices.append(UpcomingNotice(after(anchor, after_ms), then_left, -1, side, periods_left))
    return notices


def _warnings(session: Session, anchor: Instant) -> list[UpcomingNotice]:
    return [
        UpcomingNotice(after(anchor, Millis(value - threshold)), threshold, place, side)
        for place, (side, value) in enumerate(clocks_of(session).running(session))
        for threshold in session.warn_at_ms
        if threshold < value and (threshold >= 0 or session.counts_overrun)
    ]


def abort_at(session: Session) -> Instant | None:
    """Return the instant at which the session is cancelled because nobody played a first turn."""
    anchor, left = session.cycle_started_at, session.start_left_ms
    if anchor is None or left is None or not session.awaits_first_turn:
        return None
    return after(anchor, left)


@remembered
def next_wakeup(session: Session) -> Instant | None:
    """Return the instant of the next change or notice without a command, or None.

    With lag compensation, a flag falls only at the end of its grace time.
    """
    is_running = session.cycle_started_at is not None
    if not is_running and not session.has_planned_instants and session.individual is None:
        return None
    notice = next_notice(session)
    instants = (
        notice.at if notice else None,
        None if is_running else starts_at(session),
        session.scheduled.effective_at if session.scheduled else None,
        _flag_settled_at(session),
        abort_at(session),
    )
    return min([at for at in instants if at is not None], default=None)


@remembered
def retention_ms(session: Session) -> Millis:
    """Return how long to keep a session after its last change, ms.

    One day longer than its clocks run without a command, so that an automatic change can renew it
    even after all workers were down for hours. Stopped clocks count as if they were running,
    because they may be started; with `start_at`, from that instant on. A clock that counts its
    overrun may run for one day more. A session that has not ended is kept past its `ends_at`. An
    ended session is kept for one day.
    """
    if session.status.is_terminal:
        return DAY
    overrun_ms = MAX_OVERRUN if session.counts_overrun else 0
    if session.cycle_started_at is not None or not session.has_planned_instants:
        return Millis(clocks_of(session).max_unattended_ms(session) + overrun_ms + DAY)
    stopped = within_end(session, session.updated_at)
    runs = wait_ms(stopped) + clocks_of(stopped).max_unattended_ms(stopped) + overrun_ms
    return Millis(max(runs, time_to_end_ms(stopped)) + DAY)
