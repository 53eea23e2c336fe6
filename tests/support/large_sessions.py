"""Sessions with many participants."""

from collections.abc import Iterator
from uuid import uuid4

from shared.application.commit_builder import ChangeContext, build_commit
from shared.application.ports.commit import Commit, Origin, StoredSession
from shared.domain.commands import Command, Create, NewParticipant
from shared.domain.creation import create
from shared.domain.events import SessionChange
from shared.domain.session import Participant, SyncMode
from shared.domain.transition import transition
from shared.domain.units import Instant, Millis

_CREATED_AT = Instant(1_000)


def participant(index: int) -> Participant:
    """Return the participant with that `participant_index`."""
    return Participant(
        participant_id=f"candidate {index}",
        participant_index=index,
        bank_ms=Millis(60_000),
        used_ms=Millis(0),
        cycle_count=0,
    )


def large_session(
    participants: int,
    *,
    session_id: str | None = None,
    owner: str | None = None,
) -> SessionChange:
    """Return the change that creates a session in which each participant has its own bank."""
    seats = tuple(
        NewParticipant(str(uuid4()), total_time_ms=Millis(60_000), name=f"Candidate {number}")
        for number in range(participants)
    )
    spec = Create(session_id or str(uuid4()), SyncMode.PER_PARTICIPANT, seats, owner=owner)
    return create(spec, _CREATED_AT)


def commits_of(created: SessionChange, *commands: Command) -> Iterator[Commit]:
    """Yield the commits that create a session and apply `commands`, one second after the other."""
    change, stored = created, None
    for command in (*commands, None):
        yield (commit := _commit_of(change, stored))
        stored = commit.stored
        if command:
            now = Instant(change.occurred_at + 1_000)
            change = transition(change.session, command, now)


def _commit_of(change: SessionChange, stored: StoredSession | None) -> Commit:
    context = ChangeContext(Origin("host", "request"))
    return build_commit(stored, [change], change.occurred_at, context).commit
