"""Who may take part, and with which clock."""

from collections.abc import Callable, Iterator, Sequence

from shared.domain.clocks import clocks_of
from shared.domain.commands import NewParticipant
from shared.domain.errors import RuleViolation, Violation
from shared.domain.session import Participant, Session, SyncMode

MAX_PARTICIPANTS = 1000


def participant_from(spec: NewParticipant, position: int, mode: SyncMode) -> Participant:
    """The participant that `spec` describes at `position`; ungrouped ones are their own group."""
    own_group = spec.participant_id if mode is SyncMode.PER_GROUP else None
    index = position if spec.participant_index is None else spec.participant_index
    return Participant(
        participant_id=spec.participant_id,
        participant_index=index,
        bank_ms=spec.total_time_ms,
        group_id=spec.group_id or own_group,
    )


def admit(session: Session, spec: NewParticipant) -> Session:
    """`session` with one more participant, behind everybody unless its index says otherwise.

    Raises `RuleViolation` when the id or index is taken, the session is full, or the mode needs
    a `total_time_ms` that is not given.
    """
    behind = max((p.participant_index for p in session.participants), default=-1) + 1
    newcomer = participant_from(spec, behind, session.sync_mode)
    if violations := list(_objections(session, newcomer)):
        raise RuleViolation(*violations)
    return clocks_of(session).join(session, newcomer)


def _objections(session: Session, newcomer: Participant) -> Iterator[Violation]:
    yield from clashes([*session.participants, newcomer], lambda _, name: name)
    if len(session.participants) >= MAX_PARTICIPANTS:
        yield Violation("participant_id", f"cannot exceed {MAX_PARTICIPANTS} participants", "full")
    needed = needs_bank(
        session.sync_mode,
        has_cycle_time=session.time_per_cycle_ms is not None,
        is_pooled=session.group(newcomer.group_id) is not None,
    )
    if needed and newcomer.bank_ms is None:
        yield missing_time("total_time_ms", session.sync_mode)


def needs_bank(mode: SyncMode, *, has_cycle_time: bool, is_pooled: bool) -> bool:
    """Whether a participant must bring time: where neither the cycle nor its group has any."""
    match mode:
        case SyncMode.PER_PARTICIPANT:
            return True
        case SyncMode.PER_CYCLE:
            return not has_cycle_time
        case SyncMode.PER_GROUP:
            return not is_pooled
        case _:
            return False


def missing_time(field: str, mode: SyncMode) -> Violation:
    """A clock that the mode needs was not given."""
    return Violation(field, f"is required in {mode.value}", "missing")


def clashes(
    participants: Sequence[Participant], field: Callable[[int, str], str]
) -> Iterator[Violation]:
    """Each participant whose id or index another one before it has."""
    ids: set[str] = set()
    indexes: set[int] = set()
    for position, participant in enumerate(participants):
        if participant.participant_id in ids:
            yield Violation(field(position, "participant_id"), "must be unique", "duplicate")
        if participant.participant_index in indexes:
            yield Violation(field(position, "participant_index"), "must be unique", "duplicate")
        ids.add(participant.participant_id)
        indexes.add(participant.participant_index)
