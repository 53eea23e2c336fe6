"""Sessions with many participants."""

from uuid import uuid4

from shared.domain.commands import Create, NewParticipant
from shared.domain.creation import create
from shared.domain.events import SessionChange
from shared.domain.session import Participant, SyncMode
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
