"""Session updates that commands and flag falls share."""

from shared.domain.clocks import clocks_of
from shared.domain.frozen import replace
from shared.domain.session import Session
from shared.domain.units import Instant, Millis


def begin_next_cycle(session: Session, participant_id: str | None, at: Instant) -> Session:
    """End the current cycle at `at` and begin one for `participant_id`.

    `session` must have been advanced to `at`. The increment goes to the clock that is switched
    away from, unless that clock has expired.
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
    """Return the session with its version increased by 1 and updated at `at`."""
    return replace(session, version=session.version + 1, updated_at=at)
