"""The time that one participant or group may use, by the rules of `docs/time-controls.md`.

A turn draws on four sources, in this order: the delay, the bank, the current overtime period, and
the further periods. All times are in ms. Sources of the rules: FIDE Laws of Chess 6.3.2 (delay),
the manual of the DGT 3000 (Bronstein), the help of KGS (byo-yomi) and Sensei's Library (Canadian).
"""

from collections.abc import Iterator

from shared.domain.time_control import TimeControl
from shared.domain.units import Millis
from shared.domain.values import Value, replace


class Phase(Value, frozen=True):
    """Further periods of `ms` each, in which a clock continues when it comes down to zero."""

    ms: Millis
    count: int


class Clock(Value, frozen=True):
    """A clock as a straight line, from which clients draw it.

    It shows `left_ms + rate * max(0, t - hold_ms)` at `t` ms after the state's instant, not below
    `floor_ms` and not above `ceiling_ms`; at zero it continues with the first of its `phases`.
    From `stop_ms` on it stands still.
    """

    left_ms: int
    rate: int
    hold_ms: Millis = Millis(0)
    floor_ms: int = 0
    ceiling_ms: Millis | None = None
    phases: tuple[Phase, ...] = ()
    stop_ms: Millis | None = None


class Reserve(Value, frozen=True):
    """The sources beside the bank, as they stand at the anchor.

    `delay_ms`: left of this turn's delay. `period_ms`: left in the current period, block or extra
    bank. `periods`: further full periods. `block_turns`: turns left in the block. `turns`:
    completed turns, counted if the control has stages.
    """

    delay_ms: Millis = Millis(0)
    period_ms: Millis = Millis(0)
    periods: int = 0
    block_turns: int = 0
    turns: int = 0


EMPTY = Reserve()


class Sources(Value, frozen=True):
    """A bank, and the sources beside it."""

    bank_ms: Millis
    reserve: Reserve = EMPTY


def full_reserve(control: TimeControl) -> Reserve:
    """Return the reserve of an owner who has not played yet."""
    overtime = control.overtime
    if overtime is None:
        return EMPTY
    return Reserve(
        period_ms=Millis(overtime.period_ms + overtime.extra_ms),
        periods=max(0, overtime.periods - 1),
        block_turns=overtime.turns,
    )


class TimeBudget(Value, frozen=True):
    """An owner's bank and reserve under its time control. Each step returns a new budget."""

    control: TimeControl
    bank_ms: Millis
    reserve: Reserve = EMPTY

    @property
    def total_ms(self) -> Millis:
        """All time until the flag falls."""
        return Millis(max(0, self.balance_ms))

    @property
    def balance_ms(self) -> Millis:
        """All time until the flag falls; below zero by the time that was counted after that."""
        reserve = self.reserve
        if reserve is EMPTY:
            return self.bank_ms
        return Millis(reserve.delay_ms + self.bank_ms + self._overtime_ms)

    @property
    def _overtime_ms(self) -> int:
        overtime = self.control.overtime
        further = self.reserve.periods * overtime.period_ms if overtime else 0
        return self.reserve.period_ms + further

    @property
    def is_in_overtime(self) -> bool:
        """Whether the turn draws, or will draw, on overtime because the bank is empty."""
        return self.control.overtime is not None and self.bank_ms == 0

    @property
    def periods_left(self) -> int:
        """Periods left, the current one included."""
        return self.reserve.periods + 1 if self.reserve.period_ms else 0

    def draw(self, spent: Millis) -> "TimeBudget":
        """Use `spent` ms. Without overtime, what exceeds the total leaves the bank below zero."""
        reserve = self.reserve
        if reserve is EMPTY:
            return replace(self, bank_ms=Millis(self.bank_ms - spent))
        from_delay = min(spent, reserve.delay_ms)
        from_bank = spent - from_delay
        if self.control.overtime:
            from_bank = min(from_bank, self.bank_ms)
        budget = replace(
            self,
            bank_ms=Millis(self.bank_ms - from_bank),
            reserve=replace(reserve, delay_ms=Millis(reserve.delay_ms - from_delay)),
        )
        from_overtime = spent - from_delay - from_bank
        return budget._draw_overtime(from_overtime) if from_overtime else budget

    def _draw_overtime(self, spent: int) -> "TimeBudget":
        """A period whose time is used up exactly is gone; the next one is current and full."""
        left = self._overtime_ms - spent
        overtime = self.control.overtime
        length = overtime.period_ms if overtime else 0
        further = (left - 1) // length if length and left else 0
        current = Millis(left - further * length)
        return replace(self, reserve=replace(self.reserve, period_ms=current, periods=further))

    def begin_turn(self) -> "TimeBudget":
        """Fill the delay."""
        delay = self.control.delay_ms
        if not delay or not self.total_ms:
            return self
        return replace(self, reserve=replace(self.reserve, delay_ms=delay))

    def end_turn(self, spent: Millis) -> "TimeBudget":
        """Give back what the end of a turn of `spent` ms gives: overtime, stage, gain and cap."""
        control, has_expired = self.control, self.balance_ms <= 0
        reserve = self._refilled_reserve() if control.overtime and not has_expired else self.reserve
        if reserve.delay_ms:
            reserve = replace(reserve, delay_ms=Millis(0))
        added = 0
        if control.stages:
            reserve = replace(reserve, turns=reserve.turns + 1)
            added = control.added_after(reserve.turns)
        if not has_expired:
            added += control.increment_after(reserve.turns)
            added += min(spent, control.give_back_ms)
        return replace(self, bank_ms=self._capped(added), reserve=reserve)

    def _capped(self, added: int) -> Millis:
        raised, most = self.bank_ms + added, self.control.max_bank_ms
        return Millis(raised if most is None else max(self.bank_ms, min(raised, most)))

    def _refilled_reserve(self) -> Reserve:
        """Fill the current period, or count one turn of the block; the last one fills the block.

        A period is filled also after a turn that didn't use it, if any is left.
        """
        overtime, reserve = self.control.overtime, self.reserve
        if overtime is None:
            return reserve
        if overtime.periods:
            is_begun = 0 < reserve.period_ms < overtime.period_ms
            return replace(reserve, period_ms=overtime.period_ms) if is_begun else reserve
        if self.bank_ms or overtime.extra_ms:
            return reserve
        if reserve.block_turns > 1:
            return replace(reserve, block_turns=reserve.block_turns - 1)
        return replace(reserve, period_ms=overtime.period_ms, block_turns=overtime.turns)

    def end_free_turn(self) -> "TimeBudget":
        """End a turn that used no time and gives none, but for that of a stage."""
        reserve, control = self.reserve, self.control
        if reserve.delay_ms:
            reserve = replace(reserve, delay_ms=Millis(0))
        if not control.stages:
            return replace(self, reserve=reserve)
        reserve = replace(reserve, turns=reserve.turns + 1)
        bank_ms = self._capped(control.added_after(reserve.turns))
        return replace(self, bank_ms=bank_ms, reserve=reserve)

    def gain(self, added: Millis) -> "TimeBudget":
        """Add time to the bank."""
        return replace(self, bank_ms=Millis(self.bank_ms + added))

    def with_periods(self, count: int) -> "TimeBudget":
        """Set the number of periods left; a current period with time left keeps it."""
        overtime = self.control.overtime
        length = overtime.period_ms if overtime else Millis(0)
        current = (self.reserve.period_ms or length) if count else Millis(0)
        reserve = replace(self.reserve, period_ms=current, periods=max(0, count - 1))
        return replace(self, reserve=reserve)

    def period_ends(self) -> Iterator[tuple[Millis, int]]:
        """Yield when a period ends while others are left: ms from now, and the periods left."""
        reserve, overtime = self.reserve, self.control.overtime
        if overtime is None:
            return
        first = reserve.delay_ms + self.bank_ms + reserve.period_ms
        for number in range(reserve.periods):
            yield Millis(first + number * overtime.period_ms), reserve.periods - number

    def clock(self, rate: int, ceiling_ms: Millis | None = None) -> Clock:
        """Return the clock that clients draw. `rate` is -1 while it runs, else 0 or 1."""
        overtime, reserve = self.control.overtime, self.reserve
        if reserve is EMPTY or overtime is None:
            hold = reserve.delay_ms if rate < 0 else Millis(0)
            return Clock(self.bank_ms, rate, hold_ms=hold, ceiling_ms=ceiling_ms)
        if overtime.extra_ms:
            used = overtime.extra_ms - reserve.period_ms
            return Clock(self.bank_ms - used, rate, reserve.delay_ms, -overtime.extra_ms)
        further = [(overtime.period_ms, reserve.periods)]
        if self.bank_ms:
            further = [(reserve.period_ms, 1), *further]
        return Clock(
            self.bank_ms or reserve.period_ms,
            rate,
            reserve.delay_ms,
            phases=tuple(Phase(ms, count) for ms, count in further if ms and count),
        )
