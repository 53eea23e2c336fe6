"""Apply due flag falls and warnings, each at its own instant."""

from collections.abc import Iterator, Mapping
from typing import Any

from shared.domain.clocks import ClockOwner, clocks_of
from shared.domain.clocks.individual_times import (
    clock_of,
    ended_if_all_are_done,
    next_due,
    settings_of,
    with_clock,
)
from shared.domain.commands import Command
from shared.domain.events import (
    EventType,
    Expiry,
    PeriodEnded,
    SessionChange,
    SessionStep,
    TimeWarning,
)
from shared.domain.extension import with_full_clock
from shared.domain.individual_clock import RunState
from shared.domain.lag_compensation import leaves_flag_open
from shared.domain.programme import Place
from shared.domain.schedule import planned_start
from shared.domain.scheduling import command_of, take_effect, without_impossible
from shared.domain.session import Session, Status, SyncMode, TimeoutKind
from shared.domain.start import start
from shared.domain.switch_record import recorded_switches, with_turn_start
from shared.domain.timekeeping import (
    UpcomingNotice,
    abort_at,
    deadline,
    flag_grace,
    move_anchor,
    next_notice,
    next_wakeup,
)
from shared.domain.units import Instant, Millis, after
from shared.domain.values import replace


def settle(session: Session, now: Instant, command: Command | None = None) -> Iterator[SessionStep]:
    """Yield each start, flag fall, scheduled command and notice that is due by `now`, oldest first.

    The last step holds the resulting session. Yields nothing if nothing is due. With lag
    compensation, a flag waits for a switch that was sent in time (`flag_grace`); a `command` that
    is to be applied at `now` ends that wait, unless it is such a switch.
    """
    while (step := _next_due(session, now) or _open_flag(session, now, command)) is not None:
        if isinstance(step, SessionChange):
            step = without_impossible(step)
        yield step
        session = step.session


def is_due(session: Session, now: Instant) -> bool:
    """Whether a step is due by `now`, whatever command is to be applied."""
    at = next_wakeup(session)
    return at is not None and at <= now


def _next_due(session: Session, now: Instant) -> SessionStep | None:
    """Return the next step. At the instant of a scheduled command, all others come before it."""
    if not is_due(session, now):
        return None
    scheduled = session.scheduled
    if scheduled is None or scheduled.effective_at > now:
        return _next_unscheduled(session, now)
    at, command = scheduled.effective_at, command_of(scheduled)
    before = _next_unscheduled(session, at) or _open_flag(session, at, command)
    return before or take_effect(session)


def _next_unscheduled(session: Session, now: Instant) -> SessionStep | None:
    notice, aborted_at = next_notice(session), abort_at(session)
    flag_fall_at, start_at = clocks_of(session).next_due(session), planned_start(session)
    next_at = min(at for at in (now, flag_fall_at, start_at) if at is not None)
    if notice and notice.at <= next_at:
        return _notify(session, notice)
    if start_at is not None and start_at <= next_at and start_at != flag_fall_at:
        return start(session, start_at, is_automatic=True)
    if (
        flag_fall_at is not None
        and flag_fall_at <= now
        and after(flag_fall_at, flag_grace(session)) <= now
    ):
        return _expire(session, flag_fall_at)
    if aborted_at is not None and aborted_at <= now:
        return _abort(session, aborted_at)
    return None


def _open_flag(session: Session, now: Instant, command: Command | None) -> SessionChange | None:
    """Return the flag fall that `command` forces to be settled now; None if it forces none."""
    lag = session.lag
    if command is None or lag is None:
        return None
    at = deadline(session)
    if at is None or at > now or leaves_flag_open(session, lag, command, now):
        return None
    return _expire(session, at)


def _notify(session: Session, notice: UpcomingNotice) -> SessionStep:
    notified = replace(session, warned=notice.rank)
    if notice.periods_left is not None:
        return PeriodEnded(notified, notice.at, notice.periods_left, notice.side)
    return TimeWarning(notified, notice.at, notice.left_ms, notice.side, notice.is_before_start)


def _abort(session: Session, at: Instant) -> SessionChange:
    """Cancel a session whose first turn was not played in time."""
    cancelled = replace(
        move_anchor(session, at),
        status=Status.CANCELLED,
        cycle_started_at=None,
        session_completed_at=at,
    )
    return SessionChange(
        EventType.SESSION_CANCELLED,
        cancelled.next_version(at),
        at,
        clocks_of(session).owner(session),
        metadata={"reason": "no first turn"},
        is_automatic=True,
    )


def _expire(session: Session, at: Instant) -> SessionChange:
    if session.sync_mode is SyncMode.INDIVIDUAL:
        return _expire_one(session, at)
    is_paused = session.cycle_started_at is None  # then only the session's clock can run out
    side = ClockOwner() if is_paused else clocks_of(session).owner(session)
    return flag_fall(move_anchor(session, at), side, at)


def _expire_one(session: Session, at: Instant) -> SessionChange:
    """Let one participant reach its deadline in `individual`, or the end of its grace period."""
    due = next_due(session)
    assert due is not None  # it is what happens at `at`
    participant, session = due[1], move_anchor(session, at)
    clock, grace_ms = clock_of(participant), settings_of(session).grace_ms
    side = clocks_of(session).side(participant)
    if clock.state is RunState.OVERDUE:
        event, expiry = EventType.PARTICIPANT_CLOSED, None
        clock = clock.close(session.used_ms)
    else:
        event, expiry = EventType.TIME_EXPIRED, Expiry(side, applied_action(session))
        clock = clock.expire(session.used_ms, at, grace_ms)
    session = session.with_participant(with_clock(participant, clock))
    outcome = ended_if_all_are_done(session)
    return SessionChange(
        event,
        outcome.next_version(at),
        at,
        side,
        time_remaining_ms=Millis(0),
        time_elapsed_ms=clock.used_ms,
        expiry=expiry,
        metadata={"status": outcome.status.value, "state": clock.state.value},
        is_automatic=True,
    )


def flag_fall(
    session: Session,
    side: ClockOwner,
    at: Instant,
    *,
    is_running: bool = True,
    command_metadata: Mapping[str, Any] | None = None,
) -> SessionChange:
    """Return the effect of the flag of `side` that falls at `at`.

    `session` must have been advanced to `at`, with that clock at zero. `is_running` if it is the
    clock that ran; only then the next cycle begins. `command_metadata` is None unless a command
    made the flag fall.
    """
    clocks, elapsed = clocks_of(session), session.cycle_used_ms
    ends = session.action_on_timeout.type is TimeoutKind.END_SESSION
    if ends or clocks.is_session_over(session):
        outcome = replace(
            session, status=Status.EXPIRED, cycle_started_at=None, session_completed_at=at
        )
    elif session.auto_advances and is_running:
        outcome = with_full_clock(begin_next_cycle(session, clocks.next_in_turn(session), at))
    else:
        outcome = session
    return SessionChange(
        EventType.TIME_EXPIRED,
        outcome.next_version(at),
        at,
        side,
        time_remaining_ms=Millis(0),
        time_elapsed_ms=elapsed,
        expiry=Expiry(side, applied_action(session)),
        metadata={
            "status": outcome.status.value,
            "next_participant_id": outcome.active_participant_id,
            **(outcome.programme.as_metadata() if outcome.programme else {}),
            **(command_metadata or {}),
        },
        is_automatic=command_metadata is None,
    )


def begin_next_cycle(
    session: Session, participant_id: str | None, at: Instant, place: Place | None = None
) -> Session:
    """End the current cycle at `at` and begin one for `participant_id`.

    `session` must have been advanced to `at`. In a programme the cycle is the item at `place`, by
    default the next one.
    """
    clocks = clocks_of(session)
    switches = recorded_switches(clocks, session, participant_id)
    session = clocks.end_cycle(session)
    if (programme := session.programme) and (to := place or programme.next_place):
        session = replace(session, programme=programme.moved(to, session.cycle_used_ms))
    begun = replace(
        session,
        active_participant_id=participant_id,
        cycle_number=session.cycle_number + 1,
        cycle_started_at=at,
        cycle_used_ms=Millis(0),
        cycle_idle_ms=Millis(0),
        switches=switches,
        is_corrected=False,
        is_adjusted=False,
        warned=None,
    )
    return with_turn_start(clocks, clocks.begin_cycle(begun))


def applied_action(session: Session) -> dict[str, Any]:
    """Return the `action_on_timeout` as applied.

    With `end_session` and `winner_by: "time"` it names the `winner` if only one side has time left.
    """
    action = session.action_on_timeout
    applied = action.as_dict()
    if action.type is TimeoutKind.END_SESSION and applied.get("winner_by") == "time":
        survivors = clocks_of(session).ids_with_time_left(session)
        if len(survivors) == 1:
            applied["winner"] = survivors[0]
    return applied
