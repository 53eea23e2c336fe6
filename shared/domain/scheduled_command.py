"""A command that was accepted ahead of time and has not taken effect yet."""

from enum import StrEnum

from shared.domain.clock_adjustment import AdjustClocks
from shared.domain.units import Instant, Millis
from shared.domain.values import Value

MAX_AHEAD = Millis(60_000)
"""How far ahead a command may be given; also how late it may arrive."""


class ScheduledOperation(StrEnum):
    """The commands that may be given ahead of time."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    COMPLETE = "complete"
    ADJUST = "adjust"

    @property
    def is_stop(self) -> bool:
        """Whether the clocks stand still after it."""
        return self is ScheduledOperation.PAUSE or self is ScheduledOperation.COMPLETE

    @property
    def lets_run(self) -> bool:
        """Whether it starts the clocks of a stopped session."""
        return self is ScheduledOperation.START or self is ScheduledOperation.RESUME


class ScheduledCommand(Value, frozen=True):
    """A command that takes effect at `effective_at`; `version` is the one that accepted it.

    `adjustment` is set if and only if the operation is `adjust`.
    """

    operation: ScheduledOperation
    effective_at: Instant
    version: int
    adjustment: AdjustClocks | None = None

    def stops_by(self, at: Instant) -> bool:
        """Whether it stops the clocks at `at` or earlier."""
        return self.operation.is_stop and self.effective_at <= at
