"""Sessions as the API shows them: live values and the anchors they are calculated from."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from shared.application.instants import datetime_of, instant_of
from shared.application.programme_view import ItemView, active_item_id, items_view, offset_ms
from shared.domain.adjustment import described_adjustment
from shared.domain.clock_lines import clock_lines
from shared.domain.clocks import (
    ClockOwner,
    DrawnClocks,
    at_least_zero,
    clocks_of,
    over_ms,
)
from shared.domain.clocks.individual_times import (
    clock_of,
    deadlines,
    granted_times,
)
from shared.domain.events import Expiry
from shared.domain.extension import last_extension_ms
from shared.domain.individual_clock import FULL_PERMILLE, Begins, RunState
from shared.domain.lag import Lag, LagTotals
from shared.domain.session import Group, Participant, Session, Status, SyncMode
from shared.domain.soft_close import SoftClose
from shared.domain.time_budget import Clock
from shared.domain.time_control import TimeControl
from shared.domain.timekeeping import abort_at, at_time, deadline, flag_grace, is_flag_open
from shared.domain.units import Instant, Millis

_FIRST = instant_of(datetime.min.replace(tzinfo=UTC))
_LAST = instant_of(datetime.max.replace(tzinfo=UTC))

_encode = msgspec.json.Encoder().encode


class OvertimeView(msgspec.Struct, omit_defaults=True, gc=False):
    """The overtime of a participant or group. Both counts include the current period or turn."""

    in_use: bool
    periods_left: int | None = None
    turns_left: int | None = None


class ParticipantView(msgspec.Struct, omit_defaults=True, gc=False):
    """A participant in the Session of the API. A field that defaults to None is omitted if None.

    The garbage collector doesn't search it: an answer may have a thousand, without any cycle.
    """

    participant_id: str
    participant_index: int
    time_used_ms: Millis
    cycle_count: int
    is_active: bool
    has_expired: bool
    total_time_ms: Millis | None = None
    time_remaining_ms: Millis | None = None
    group_id: str | None = None
    clock: Clock | None = None
    overtime: OvertimeView | None = None
    time_control: dict[str, Any] | None = None
    name: str | None = None
    is_retired: bool = False
    state: RunState | None = None
    begun_at: str | None = None
    finished_at: str | None = None
    late_ms: Millis | None = None
    deadline_at: str | None = None
    extra_ms: Millis = Millis(0)
    factor_permille: int = FULL_PERMILLE
    closes_at: str | None = None
    over_ms: Millis | None = None


class GroupView(msgspec.Struct, omit_defaults=True, gc=False):
    """A group in the Session of the API."""

    group_id: str
    total_time_ms: Millis
    time_used_ms: Millis
    time_remaining_ms: Millis
    is_active: bool
    has_expired: bool
    clock: Clock | None = None
    overtime: OvertimeView | None = None
    time_control: dict[str, Any] | None = None
    name: str | None = None
    over_ms: Millis | None = None


class SessionView(msgspec.Struct, omit_defaults=True, gc=False):
    """The Session of the API.

    Clients validate strictly: a field that defaults to None is omitted if it is None, and each
    other field that is None is sent as null.
    """

    session_id: str
    sync_mode: SyncMode
    status: Status
    version: int
    server_time_ms: Instant
    active_participant_id: str | None
    participants: list[ParticipantView]
    elapsed_clock: Clock
    cycle_number: int
    cycle_started_at: str | None
    session_started_at: str | None
    session_completed_at: str | None
    deadline_at: str | None
    time_per_cycle_ms: Millis | None
    increment_ms: Millis
    auto_advance: bool
    action_on_timeout: dict[str, Any]
    created_at: str | None
    updated_at: str | None
    groups: list[GroupView] | None = None
    active_group_id: str | None = None
    starts_with: str | None = None
    ended_with: str | None = None
    total_time_ms: Millis | None = None
    time_remaining_ms: Millis | None = None
    clock: Clock | None = None
    session_clock: Clock | None = None
    cycle_clock: Clock | None = None
    max_time_ms: Millis | None = None
    warn_at_ms: tuple[Millis, ...] | None = None
    metadata: Mapping[str, Any] | None = None
    participants_may_pause: bool | None = None
    participants_may_give_ms: Millis | None = None
    first_turn_by: str | None = None
    time_control: dict[str, Any] | None = None
    lag: dict[str, Millis] | None = None
    flag_grace_ms: Millis | None = None
    begins: Begins | None = None
    closes_at: str | None = None
    grace_ms: Millis = Millis(0)
    rounds: bool = False
    items: list[ItemView] | None = None
    repeat: int | None = None
    round: int | None = None
    active_item_id: str | None = None
    offset_ms: int | None = None
    overtime: bool | None = None
    over_ms: Millis | None = None
    start_at: str | None = None
    warn_before_start_ms: tuple[Millis, ...] | None = None
    ends_at: str | None = None
    moves_with_pause: bool = False
    extend_on_switch: dict[str, Any] | None = None
    extensions: dict[str, int] | None = None
    scheduled: dict[str, Any] | None = None
    test: bool | None = None
    advanced_ms: Millis | None = None
    advance_left_ms: Millis | None = None


class SwitchView(msgspec.Struct, omit_defaults=True, gc=False):
    """The SwitchResult of the API."""

    session_id: str
    active_participant_id: str | None
    cycle_started_at: str | None
    participants: list[ParticipantView]
    status: Status
    version: int
    cycle_number: int
    action_applied: Mapping[str, Any] | None = None
    expired_participant_id: str | None = None
    expired_group_id: str | None = None
    active_item_id: str | None = None
    extended_by_ms: Millis | None = None


class ParticipantResultView(msgspec.Struct, gc=False):
    """The ParticipantResult of the API."""

    session_id: str
    status: Status
    version: int
    server_time_ms: Instant
    participant: ParticipantView


@lru_cache(maxsize=4096)
def timestamp(instant: Instant | None) -> str | None:
    """Return ISO 8601 in UTC with milliseconds and `Z`, limited to the years 1 to 9999.

    Cached, because anchors are shown far more often than they change.
    """
    if instant is None:
        return None
    seconds, ms = divmod(min(max(instant, _FIRST), _LAST), 1000)
    return f"{_to_the_minute(seconds // 60)}:{seconds % 60:02}.{ms:03}Z"


@lru_cache(maxsize=1024)
def _to_the_minute(minutes: int) -> str:
    """Return date, hour and minute, `minutes` after the Unix epoch."""
    return datetime_of(Instant(minutes * 60_000)).isoformat()[:16]


def session_view(
    session: Session, now: Instant, *, only: Collection[int] | None = None
) -> SessionView:
    """Return the Session of the API at `now`. `session` must be settled.

    With `only`, of a session with individual clocks, it has no other participants than those of
    these `participant_index`.
    """
    shown = at_time(session, now)
    clocks, drawn = clocks_of(session), clock_lines(session, shown, now, only)
    active_id, starter_id, last_active_id = _active_ids(session)
    waiting = clocks.owner(session) if is_flag_open(session, now) else None
    # Partly by position: CPython 3.11 needs a dictionary for more than 15 keywords.
    view = SessionView(
        session.session_id,
        session.sync_mode,
        session.status,
        session.version,
        now,
        active_id,
        _participants_view(session, shown, drawn, active_id, waiting, only),
        drawn.elapsed,
        cycle_number=session.cycle_number,
        cycle_started_at=timestamp(session.cycle_started_at),
        session_started_at=timestamp(session.session_started_at),
        session_completed_at=timestamp(session.session_completed_at),
        deadline_at=timestamp(deadline(session)),
        time_per_cycle_ms=session.time_per_cycle_ms,
        increment_ms=session.increment_ms,
        auto_advance=session.auto_advance,
        action_on_timeout=session.action_on_timeout.as_dict(),
        created_at=timestamp(session.created_at),
        updated_at=timestamp(session.updated_at),
    )
    view.starts_with, view.ended_with = starter_id, last_active_id
    view.total_time_ms, view.time_remaining_ms = session.total_time_ms, clocks.left(shown)
    view.clock, view.session_clock, view.cycle_clock = drawn.current, drawn.session, drawn.cycle
    view.metadata = session.metadata
    _show_settings(view, session)
    if session.sync_mode is SyncMode.PER_GROUP:
        view.groups = _groups_view(session, shown, drawn, waiting)
        view.active_group_id = _active_group_id(session)
    if session.time_control is not None:
        view.time_control = _control_view(session.time_control)
        view.first_turn_by = timestamp(abort_at(session))
    if session.lag is not None:
        view.lag = _lag_view(session.lag)
        view.flag_grace_ms = _flag_grace(session)
    if session.individual is not None:
        view.begins = session.individual.begins
        view.closes_at = timestamp(session.individual.closes_at)
        view.grace_ms = session.individual.grace_ms
        view.rounds = session.individual.rounds
    if session.programme is not None:
        view.items = items_view(shown)
        view.repeat = session.programme.repeat
        view.round = session.programme.place.round
        view.active_item_id = active_item_id(session)
        view.offset_ms = offset_ms(shown)
    if session.overtime:
        view.overtime = True
        view.over_ms = clocks.over_ms(shown)
    _show_schedule(view, session)
    if session.virtual_clock is not None:
        view.test = True
        view.advanced_ms = session.virtual_clock.advanced_ms
        view.advance_left_ms = session.virtual_clock.left_ms or None
    return view


def _show_settings(view: SessionView, session: Session) -> None:
    """Add the settings that most sessions don't have."""
    view.max_time_ms = session.max_time_ms
    view.warn_at_ms = session.warn_at_ms or None
    view.participants_may_pause = session.participants_may_pause or None
    view.participants_may_give_ms = session.participants_may_give_ms or None
    view.warn_before_start_ms = session.warn_before_start_ms or None
    view.moves_with_pause = session.moves_with_pause


def _show_schedule(view: SessionView, session: Session) -> None:
    """Add the instants that let clocks run or stop without a command."""
    if session.start_at is not None:
        view.start_at = timestamp(session.start_at)
    if session.ends_at is not None:
        view.ends_at = timestamp(session.ends_at)
    if session.extend_on_switch is not None:
        view.extend_on_switch = _soft_close_view(session.extend_on_switch)
        view.extensions = _extensions_view(session)
    if session.scheduled is not None:
        view.scheduled = scheduled_view(session)


def _soft_close_view(rule: SoftClose | None) -> dict[str, Any] | None:
    """Return the soft close as it was given; None without one."""
    if rule is None:
        return None
    view = {**msgspec.to_builtins(rule), "not_after": timestamp(rule.not_after)}
    return {name: value for name, value in view.items() if value is not None}


def _extensions_view(session: Session) -> dict[str, int] | None:
    """Return how often the clock was extended, and how often it can be; None without soft close."""
    rule, used = session.extend_on_switch, session.extensions
    if rule is None:
        return None
    return {"used": used} if rule.at_most is None else {"used": used, "left": rule.at_most - used}


def scheduled_view(session: Session) -> dict[str, Any] | None:
    """Return the command that takes effect later, with its fields; None without one."""
    scheduled = session.scheduled
    if scheduled is None:
        return None
    fields = described_adjustment(scheduled.adjustment) if scheduled.adjustment else {}
    return {
        "operation": scheduled.operation,
        "effective_at": timestamp(scheduled.effective_at),
        **fields,
    }


def encode_session_view(session: Session, now: Instant) -> msgspec.Raw:
    """Return the Session of the API at `now`, as JSON. `session` must be settled."""
    return encode_view(session_view(session, now))


def encode_view(view: SessionView | SwitchView | ParticipantResultView) -> msgspec.Raw:
    """Return the view as JSON."""
    return msgspec.Raw(_encode(view))


def summary_view(session: Session, now: Instant) -> dict[str, Any]:
    """Return the session's summary: active participant, deadline and time remaining."""
    shown = at_time(session, now)
    clocks, (active_id, starter_id, _) = clocks_of(session), _active_ids(session)
    view = {
        "session_id": session.session_id,
        "status": session.status,
        "version": session.version,
        "active_participant_id": active_id,
        "active_group_id": _active_group_id(session),
        "starts_with": starter_id,
        "deadline_at": timestamp(deadline(session)),
        "first_turn_by": timestamp(abort_at(session)),
        "time_remaining_ms": clocks.left(shown),
        "server_time_ms": now,
        "flag_grace_ms": _flag_grace(session),
        "active_item_id": active_item_id(session),
        "offset_ms": offset_ms(shown),
        "over_ms": clocks.over_ms(shown) if session.overtime else None,
        "start_at": timestamp(session.start_at),
        "ends_at": timestamp(session.ends_at),
        "scheduled": scheduled_view(session),
        "advanced_ms": session.virtual_clock.advanced_ms if session.virtual_clock else None,
    }
    return _without_none(view)


def fairness_view(session: Session) -> dict[str, Any]:
    """Return what lag compensation claimed and gave back, for each participant.

    The sums are part of the session's state, not calculated from the audit trail: so they are as
    exact after a recovery or in a replay as the clocks themselves, and the answer needs no trail.
    """
    owner_of, lag = clocks_of(session).side, session.lag
    return {
        "session_id": session.session_id,
        "version": session.version,
        "participants": []
        if lag is None
        else [_fairness_of(one, owner_of(one).id, lag) for one in session.participants],
    }


def _fairness_of(participant: Participant, owner_id: str, lag: Lag) -> dict[str, Any]:
    totals, quota = lag.totals.get(participant.participant_id, LagTotals()), lag.quotas[owner_id]
    view = {
        "participant_id": participant.participant_id,
        "turns": totals.turns,
        "claimed_ms": totals.claimed_ms,
        "compensated_ms": totals.compensated_ms,
        "not_compensated_ms": totals.claimed_ms - totals.compensated_ms,
        "worst_error_ms": totals.worst_error_ms,
        "frame_lag_ms": totals.frame_lag_ms,
        "gain_ms": quota.gain_within(totals.frame_lag_ms),
        "quota_ms": quota.quota_ms,
    }
    return {name: value for name, value in view.items() if value is not None}


def _lag_view(lag: Lag) -> dict[str, Millis]:
    return {} if lag.gain_ms is None else {"gain_ms": lag.gain_ms}


def _flag_grace(session: Session) -> Millis | None:
    """How long the flag of the running clock waits; None without such a clock or `lag`."""
    return None if session.lag is None or deadline(session) is None else flag_grace(session)


def switch_view(session: Session, view: SessionView, expiry: Expiry | None) -> SwitchView:
    """Return the SwitchResult of the API from the session and its `view` after the switch.

    `expiry` is that of the clock that was switched away from, if it had expired.
    """
    return SwitchView(
        view.session_id,
        view.active_participant_id,
        view.cycle_started_at,
        view.participants,
        view.status,
        view.version,
        view.cycle_number,
        expiry.action_applied if expiry else None,
        (expiry.side.participant_id or None) if expiry else None,
        (expiry.side.group_id or None) if expiry else None,
        view.active_item_id,
        last_extension_ms(session),
    )


def participant_result_view(session: Session, now: Instant, index: int) -> ParticipantResultView:
    """Return the ParticipantResult of the API for the participant of that `participant_index`.

    `session` must be one with individual clocks, and settled.
    """
    shown, only = at_time(session, now), (index,)
    drawn = clock_lines(session, shown, now, only)
    (participant,) = _individual_views(shown, drawn, only)
    return ParticipantResultView(
        session.session_id, session.status, session.version, now, participant
    )


def _participants_view(
    session: Session,
    shown: Session,
    drawn: DrawnClocks,
    active_id: str | None,
    waiting: ClockOwner | None,
    only: Collection[int] | None,
) -> list[ParticipantView]:
    """Participants with anchors from `session` and live values from `shown`.

    The flag of `waiting` isn't settled yet, so that its clock hasn't expired, although it is zero.
    """
    if session.sync_mode is SyncMode.INDIVIDUAL:
        return _individual_views(shown, drawn, only)
    clocks, has_overrun = clocks_of(session), session.overtime
    has_banks = session.sync_mode is SyncMode.PER_PARTICIPANT
    return [
        ParticipantView(
            anchored.participant_id,
            anchored.participant_index,
            current.used_ms,
            anchored.cycle_count,
            anchored.participant_id == active_id,
            value is not None and value <= 0 and clocks.side(anchored) != waiting,
            at_least_zero(anchored.bank_ms) if has_overrun else anchored.bank_ms,
            at_least_zero(value) if has_overrun else value,
            anchored.group_id,
            clock,
            _overtime_view(shown, current) if has_banks else None,
            _control_view(anchored.time_control) if anchored.time_control else None,
            anchored.name,
            anchored.is_retired,
            over_ms=over_ms(value) if has_overrun else None,
        )
        for anchored, current, value, clock in zip(
            session.participants,
            shown.participants,
            clocks.values_of(shown),
            drawn.participants,
            strict=True,
        )
    ]


def _individual_views(
    shown: Session, drawn: DrawnClocks, only: Collection[int] | None
) -> list[ParticipantView]:
    """Participants whose clocks run independently of each other; all, or `only` these.

    A clock that counts down shows the time left; so it need not be calculated again for each.
    """
    clocks, total, session_ms = clocks_of(shown), shown.total_time_ms, shown.used_ms
    rows: Iterable[tuple[Participant, Millis | None, Instant | None]] = zip(
        shown.participants, granted_times(shown), deadlines(shown), strict=True
    )
    if only is not None:
        rows = [row for row in rows if row[0].participant_index in only]
    return [
        ParticipantView(
            participant.participant_id,
            participant.participant_index,
            Millis(participant.used_ms - own.used_ms + own.used_at(session_ms)),
            participant.cycle_count,
            own.state is RunState.RUNNING,
            own.expired_at is not None,
            granted,
            Millis(clock.left_ms) if clock and total else clocks.value_of(shown, participant),
            participant.group_id,
            clock,
            None,
            None,
            participant.name,
            False,
            own.state,
            timestamp(own.begun_at),
            timestamp(own.finished_at),
            own.late_ms,
            timestamp(deadline_at),
            own.allowance.extra_ms,
            own.allowance.factor_permille,
            timestamp(own.allowance.closes_at),
        )
        for (participant, granted, deadline_at), clock in zip(rows, drawn.participants, strict=True)
        if (own := clock_of(participant))
    ]


def _overtime_view(session: Session, owner: Participant | Group) -> OvertimeView | None:
    control = owner.time_control or session.time_control
    if control is None or control.overtime is None:
        return None
    budget = session.budget_of(owner)
    return OvertimeView(
        budget.is_in_overtime,
        budget.periods_left if control.overtime.periods else None,
        budget.reserve.block_turns or None,
    )


def _control_view(control: TimeControl) -> dict[str, Any]:
    """Return the time control as it was given."""
    return dict(msgspec.to_builtins(control))


def _without_none(view: dict[str, Any]) -> dict[str, Any]:
    """Leave out fields that are None, except two that are sent as null (see `SessionView`)."""
    nullable = ("active_participant_id", "deadline_at")
    return {k: v for k, v in view.items() if v is not None or k in nullable}


def _groups_view(
    session: Session, shown: Session, drawn: DrawnClocks, waiting: ClockOwner | None
) -> list[GroupView]:
    active_id = _active_group_id(session)
    used: Counter[str | None] = Counter()
    for participant in shown.participants:
        used[participant.group_id] += participant.used_ms
    budgets = [shown.budget_of(group) for group in shown.groups]
    return [
        GroupView(
            anchored.group_id,
            at_least_zero(anchored.bank_ms) or Millis(0),
            Millis(used[anchored.group_id]),
            budget.total_ms,
            anchored.group_id == active_id,
            budget.total_ms == 0 and ClockOwner(group_id=anchored.group_id) != waiting,
            clock,
            _overtime_view(shown, current),
            _control_view(anchored.time_control) if anchored.time_control else None,
            anchored.name,
            over_ms(budget.balance_ms) if session.overtime else None,
        )
        for anchored, current, budget, clock in zip(
            session.groups, shown.groups, budgets, drawn.groups, strict=True
        )
    ]


def _active_ids(session: Session) -> tuple[str | None, str | None, str | None]:
    """Return who is active, who will be when the session starts, and who was when it ended.

    By the status, at most one of them is a participant.
    """
    status, active_id = session.status, session.active_participant_id
    if status is Status.RUNNING or status is Status.PAUSED:
        return active_id, None, None
    if status is Status.PENDING:
        return None, active_id, None
    return None, None, active_id if session.session_started_at is not None else None


def _active_group_id(session: Session) -> str | None:
    """The active participant's group, while a cycle runs or is paused."""
    if session.sync_mode is not SyncMode.PER_GROUP or not session.status.is_ongoing:
        return None
    return session.active.group_id if session.active else None
