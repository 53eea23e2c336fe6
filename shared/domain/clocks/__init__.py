"""Clock rules: one class for each mode."""

from shared.domain.clocks.base import (
    AdjustableClock,
    ClockName,
    ClockOwner,
    ClockRules,
    ClockScope,
    DrawnClocks,
    at_least_zero,
    over_ms,
)
from shared.domain.clocks.individual import Individual
from shared.domain.clocks.per_cycle import PerCycle
from shared.domain.clocks.per_group import PerGroup
from shared.domain.clocks.per_participant import PerParticipant
from shared.domain.clocks.shared_clock import CountUp, GlobalClockRules
from shared.domain.session import Session, SyncMode

_RULES: dict[SyncMode, ClockRules] = {
    SyncMode.PER_PARTICIPANT: PerParticipant(),
    SyncMode.PER_CYCLE: PerCycle(),
    SyncMode.PER_GROUP: PerGroup(),
    SyncMode.GLOBAL: GlobalClockRules(),
    SyncMode.COUNT_UP: CountUp(),
    SyncMode.INDIVIDUAL: Individual(),
}


def clocks_of(session: Session) -> ClockRules:
    """Return the clock rules of the session's mode."""
    return _RULES[session.sync_mode]


__all__ = [
    "AdjustableClock",
    "ClockName",
    "ClockOwner",
    "ClockRules",
    "ClockScope",
    "DrawnClocks",
    "at_least_zero",
    "clocks_of",
    "over_ms",
]
