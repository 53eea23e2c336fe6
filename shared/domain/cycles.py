"""The steps that commands and flag falls share."""

from shared.domain.clocks import clocks_of
from shared.domain.frozen import replace
from shared.domain.session import Session
from shared.domain.units import Instant, Millis


def begin_next_cycle(session: Session, participant_id: str | None, at: Instant) -> Session:
    """Close the cycle that was settled at `at` and open one for `participant_id`.

    The increment is the mover's, "unless it has expired": a clock at zero gets none.
    """
    clocks = clocks_of(session)
    if clocks.left(session) != 0:
        session = clocks.end_cycle(session)
    if active := session.active:
        session = session.with_participant(replace(active, cycle_count=active.cycle_count + 1))
    session = clocks.begin_cycle(session, participant_id)
    return replace(
        session,
        cycle_number=session.cycle_number + 1,
        cycle_started_at=at,
        cycle_used_ms=Millis(0),
    )


def next_version(session: Session, at: Instant) -> Session:
    """The session one accepted change later."""
    return replace(session, version=session.version + 1, updated_at=at)
