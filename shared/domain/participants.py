"""Rules for participants: unique ids and indexes, their number, and the time they bring."""

from collections.abc import Callable, Iterator, Sequence

from shared.domain.clocks import clocks_of
from shared.domain.commands import Create, NewParticipant
from shared.domain.errors import ActiveParticipant, InvalidTransition, RuleViolation, Violation
from shared.domain.individual_clock import IndividualClock
from shared.domain.individual_rules import allowance_violations
from shared.domain.programme_rules import overtime_violation
from shared.domain.schedule import starts_at
from shared.domain.session import Participant, Session, Status, SyncMode
from shared.domain.time_control import MAX_LONG_TIME, TimeControl, control_violations
from shared.domain.units import DAY, Millis
from shared.domain.values import replace

MAX_PARTICIPANTS = 1000
PARTICIPANTS_OPTIONAL = (SyncMode.GLOBAL, SyncMode.COUNT_UP)
"""Modes that also work without any participant."""
MIN_BANK = Millis(1_000)


def build_participant(spec: NewParticipant, position: int, mode: SyncMode) -> Participant:
    """Build a participant with `position` as its default index.

    In `per_group`, a participant without a `group_id` is a group of its own.
    """
    own_group = spec.participant_id if mode is SyncMode.PER_GROUP else None
    index = position if spec.participant_index is None else spec.participant_index
    return Participant(
        participant_id=spec.participant_id,
        participant_index=index,
        bank_ms=spec.total_time_ms,
        group_id=spec.group_id or own_group,
        time_control=spec.time_control,
        used_ms=Millis(0),
        cycle_count=0,
        name=spec.name,
        individual=IndividualClock(allowance=spec.allowance)
        if mode is SyncMode.INDIVIDUAL
        else None,
    )


def add_participant(session: Session, spec: NewParticipant, *, allow_cut: bool = False) -> Session:
    """Return `session`, advanced to now, with one more participant, by default the last.

    Raises `RuleViolation` if the id or index is taken, the session is full, the mode needs a
    `total_time_ms` that is not given, or its limit doesn't fit before its closing time.
    """
    next_index = max((p.participant_index for p in session.participants), default=-1) + 1
    newcomer = build_participant(spec, next_index, session.sync_mode)
    violations = [
        *_violations(session, newcomer),
        *allowance_violations(
            spec.allowance,
            session.individual,
            session.total_time_ms,
            session.updated_at,
            "",
            begins_at=starts_at(session) or session.updated_at,
            allow_cut=allow_cut,
        ),
    ]
    if violations:
        raise RuleViolation(*violations)
    return clocks_of(session).join(session, newcomer)


def remove_participant(session: Session, leaver: Participant) -> Session:
    """Return `session` without `leaver`, and without its group if nobody else is in it.

    Raises `ActiveParticipant` if it has the running or paused cycle, and `RuleViolation` if the
    mode needs it. The switches before can't be undone any more.
    """
    is_active = leaver.participant_id == session.active_participant_id
    is_under_way = leaver.individual is not None and leaver.individual.state.is_under_way
    if is_under_way or (is_active and session.status is not Status.PENDING):
        raise ActiveParticipant(leaver.participant_id)
    if violation := _removal_violation(session, leaver):
        raise RuleViolation(violation)
    clocks = clocks_of(session)
    if is_active:
        session = clocks.with_starter(session, _starter_after(session, leaver))
    return replace(clocks.leave(session, leaver), switches=())


def _removal_violation(session: Session, leaver: Participant) -> Violation | None:
    if len(session.participants) == 1 and session.sync_mode not in PARTICIPANTS_OPTIONAL:
        message = f"is the last participant, and {session.sync_mode} needs one"
        return Violation("participant_id", message, "too_short")
    side = clocks_of(session).side
    shares = any(side(p) == side(leaver) for p in session.participants if p != leaver)
    if session.control.hourglass and not shares:
        return Violation("participant_id", "is one of the two that an hourglass needs", "too_short")
    if len(session.participants) > 1 and not _can_go_on_without(session, leaver):
        return Violation(
            "participant_id", "is the last participant who can take turns", "too_short"
        )
    return None


def _can_go_on_without(session: Session, participant: Participant) -> bool:
    """Whether the rotation can choose anybody else, who isn't retired and has time if needed."""
    clocks = clocks_of(session)
    return any(clocks.is_eligible(session, p) for p in session.participants if p != participant)


def _starter_after(session: Session, leaver: Participant) -> str | None:
    """Return the participant who starts the pending session instead of `leaver`, if any is left."""
    next_id = clocks_of(session).next_in_turn(session)
    return None if next_id == leaver.participant_id else next_id


def choose_starter(session: Session, participant_id: str) -> Session:
    """Return the pending session in which this participant takes the first turn.

    Raises `InvalidTransition` if the session has started, and `RuleViolation` if the participant
    can't take a turn, and in `individual`, where nobody takes turns.
    """
    if session.status is not Status.PENDING:
        message = "has started: active_participant_id cannot change"
        raise InvalidTransition(message, session.status)
    if violation := _starter_violation(session, participant_id):
        raise RuleViolation(violation)
    if participant_id == session.active_participant_id:
        return session
    return clocks_of(session).with_starter(session, participant_id)


def _starter_violation(session: Session, participant_id: str) -> Violation | None:
    name, participant = "active_participant_id", session.find(participant_id)
    if session.sync_mode is SyncMode.INDIVIDUAL:
        return Violation(name, "is for modes in which participants take turns", "not_allowed")
    if participant is None:
        return Violation(name, "must be one of the participants", "unknown_participant")
    return Violation(name, "is retired", "retired") if participant.is_retired else None


def set_retired(session: Session, participant: Participant, *, is_retired: bool) -> Session:
    """Return `session` with `participant` out of the rotation, or in it again.

    In a pending session another participant starts instead. The active participant stays active
    until the next switch. Raises `RuleViolation` if nobody would be left whom the rotation can
    choose, and in `individual`, where nobody takes turns.
    """
    if session.sync_mode is SyncMode.INDIVIDUAL:
        message = "is for modes in which participants take turns"
        raise RuleViolation(Violation("is_retired", message, "not_allowed"))
    if is_retired and not _can_go_on_without(session, participant):
        message = "cannot be true for the last participant who can take turns"
        raise RuleViolation(Violation("is_retired", message, "not_allowed"))
    session = session.with_participant(replace(participant, is_retired=is_retired))
    is_starter = participant.participant_id == session.active_participant_id
    if not (is_retired and is_starter and session.status is Status.PENDING):
        return session
    clocks = clocks_of(session)
    return clocks.with_starter(session, clocks.next_in_turn(session))


def _violations(session: Session, newcomer: Participant) -> Iterator[Violation]:
    yield from duplicate_violations([*session.participants, newcomer], lambda _, name: name)
    if len(session.participants) >= MAX_PARTICIPANTS:
        yield Violation("participant_id", f"cannot exceed {MAX_PARTICIPANTS} participants", "full")
    has_time = session.group(newcomer.group_id) is not None
    yield from time_violations(newcomer, session, has_time=has_time)
    if session.control.hourglass:
        yield Violation("participant_id", "cannot join an hourglass for two", "full")


def bank_violation(bank_ms: Millis, control: TimeControl | None, field: str) -> Violation | None:
    """Return the limit that a bank breaks. A time control allows 30 days, and 0 with overtime."""
    least = 0 if control and control.overtime else MIN_BANK
    most = MAX_LONG_TIME if control else DAY
    if bank_ms < least:
        return Violation(field, f"must be at least {least}ms", "too_small")
    return Violation(field, f"cannot exceed {most}ms", "too_big") if bank_ms > most else None


def time_violations(
    participant: Participant, settings: Create | Session, *, has_time: bool
) -> Iterator[Violation]:
    """Yield the rules that a new participant's bank and time control break.

    `has_time`: whether it needs no bank of its own, because its group has one or there is a
    default.
    """
    mode, bank_ms, own_control = settings.sync_mode, participant.bank_ms, participant.time_control
    field = "total_time_ms"
    if bank_ms is not None:
        if violation := bank_violation(bank_ms, own_control or settings.time_control, field):
            yield violation
        if mode is SyncMode.INDIVIDUAL:
            message = "belongs to the session: give extra_ms or factor_permille"
            yield Violation(field, message, "not_allowed")
    elif not has_time and _needs_bank(settings):
        yield Violation(field, f"is required in {mode.value}", "missing")
    if own_control is not None:
        yield from _own_control_violations(own_control, settings)


def _own_control_violations(
    control: TimeControl, settings: Create | Session
) -> Iterator[Violation]:
    """Yield the rules that a participant's own time control breaks."""
    field = "time_control"
    if violation := overtime_violation(control, field, settings):
        yield violation
    if settings.sync_mode is not SyncMode.PER_PARTICIPANT:
        yield Violation(field, "is for per_participant only", "not_allowed")
    elif settings.time_control and settings.time_control.hourglass:
        yield Violation(field, "cannot be combined with an hourglass", "not_allowed")
    else:
        yield from control_violations(control, field, is_sessions=False)


def _needs_bank(settings: Create | Session) -> bool:
    """Whether each participant needs time of its own, unless its group has some."""
    if settings.sync_mode is SyncMode.PER_CYCLE:
        return settings.time_per_cycle_ms is None
    return settings.sync_mode in (SyncMode.PER_PARTICIPANT, SyncMode.PER_GROUP)


def duplicate_violations(
    participants: Sequence[Participant], field: Callable[[int, str], str]
) -> Iterator[Violation]:
    """Yield a violation for each participant that repeats an earlier one's id or index."""
    ids: set[str] = set()
    indexes: set[int] = set()
    for position, participant in enumerate(participants):
        if participant.participant_id in ids:
            yield Violation(field(position, "participant_id"), "must be unique", "duplicate")
        if participant.participant_index in indexes:
            yield Violation(field(position, "participant_index"), "must be unique", "duplicate")
        ids.add(participant.participant_id)
        indexes.add(participant.participant_index)
