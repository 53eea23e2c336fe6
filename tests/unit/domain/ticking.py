"""A timer that ticks: it counts second by second what the domain calculates.

It knows a time control only as its rules are written in `docs/time-controls.md`, and nothing of the
domain's arithmetic. Slow, and good for nothing but to check the domain.
"""

from dataclasses import dataclass

from shared.domain.time_control import TimeControl

TICK_MS = 1_000


@dataclass(slots=True)
class TickingClock:
    """The sources of one owner, in ms."""

    control: TimeControl
    bank: int
    delay: int = 0
    period: int = 0
    periods: int = 0
    block_turns: int = 0
    turns: int = 0
    turn_ms: int = 0

    def __post_init__(self) -> None:
        if overtime := self.control.overtime:
            self.period = overtime.period_ms or overtime.extra_ms
            self.periods = overtime.periods - 1 if overtime.periods else 0
            self.block_turns = overtime.turns

    @property
    def has_expired(self) -> bool:
        return self.bank == self.period == self.periods == self.delay == 0

    def begin_turn(self) -> None:
        self.turn_ms = 0
        if not self.has_expired:
            self.delay = self.control.delay_ms

    def tick(self) -> None:
        """Let one second pass."""
        if self.has_expired:
            return
        self.turn_ms += TICK_MS
        if self.delay:
            self.delay -= TICK_MS
        elif self.bank:
            self.bank -= TICK_MS
        else:
            self.period -= TICK_MS
            if self.period == 0 and self.periods:
                assert self.control.overtime
                self.period = self.control.overtime.period_ms
                self.periods -= 1

    def end_turn(self) -> None:
        control, had_expired = self.control, self.has_expired
        self.delay = 0
        if control.overtime and not had_expired:
            self._fill_overtime()
        self.turns += 1
        added, increment = 0, control.increment_ms
        for stage in control.stages:
            if stage.after_turns == self.turns:
                added += stage.add_ms
            if stage.after_turns <= self.turns and stage.increment_ms is not None:
                increment = stage.increment_ms
        if not had_expired:
            added += increment + min(self.turn_ms, control.give_back_ms)
        most = control.max_bank_ms
        raised = self.bank + added
        self.bank = raised if most is None else max(self.bank, min(raised, most))

    def _fill_overtime(self) -> None:
        overtime = self.control.overtime
        assert overtime
        if overtime.periods:
            self.period = overtime.period_ms if self.period else 0
        elif overtime.turns and self.bank == 0:
            self.block_turns -= 1
            if self.block_turns == 0:
                self.block_turns, self.period = overtime.turns, overtime.period_ms
