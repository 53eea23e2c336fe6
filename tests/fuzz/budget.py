"""The time of one participant or group under a time control, by `docs/time-controls.md`."""

import json
from dataclasses import dataclass
from typing import Any

Control = dict[str, Any]
"""A time control as in a request; an empty one only counts down."""


@dataclass(slots=True)
class ExpectedBudget:
    """What each source of time holds, in ms. Overtime periods must be longer than the test."""

    control: Control
    bank: int
    delay: int = 0
    period: int = 0
    """Left in the current period, in the block, or of the extra bank."""
    further_periods: int = 0
    block_turns: int = 0
    turns: int = 0
    turn_ms: int = 0
    """What the running turn has taken."""

    def __post_init__(self) -> None:
        self.period = self._overtime.get("extra_ms") or self._period_ms
        self.further_periods = self._overtime.get("periods", 1) - 1
        self.block_turns = self._overtime.get("turns", 0)

    @property
    def _overtime(self) -> Control:
        return self.control.get("overtime") or {}

    @property
    def _period_ms(self) -> int:
        return int(self._overtime.get("period_ms", 0))

    @property
    def left(self) -> int:
        """All time until the flag falls."""
        return self.delay + self.bank + self.period + self.further_periods * self._period_ms

    @property
    def overtime(self) -> Control | None:
        """The field `overtime` of a participant or group; None without a time control."""
        if not self._overtime:
            return None
        shown: Control = {"in_use": self.bank == 0}
        if "periods" in self._overtime:
            shown["periods_left"] = self.further_periods + 1
        if "turns" in self._overtime:
            shown["turns_left"] = self.block_turns
        return shown

    def start(self) -> None:
        """The session starts."""
        if self.control.get("first_turn"):
            self.bank += self.control["increment_ms"]

    def begin_turn(self) -> None:
        """A turn begins."""
        self.turn_ms = 0
        self.delay = self.control.get("delay_ms", 0)

    def use(self, ms: int) -> None:
        """The turn goes on for `ms`."""
        self.turn_ms += ms
        from_delay = min(ms, self.delay)
        from_bank = min(ms - from_delay, self.bank)
        self.delay -= from_delay
        self.bank -= from_bank
        self.period -= ms - from_delay - from_bank
        assert self.period > 0 or not self._overtime, "the test takes longer than the clocks allow"

    def end_turn(self, *, is_free: bool) -> None:
        """The turn ends by a switch; a free turn took no time and gives only that of a stage."""
        self.turns += 1
        self.delay = 0
        stages = [s for s in self.control.get("stages", []) if s["after_turns"] <= self.turns]
        added = sum(s.get("add_ms", 0) for s in stages if s["after_turns"] == self.turns)
        if not is_free:
            self._fill_overtime()
            increments = [s["increment_ms"] for s in stages if "increment_ms" in s]
            added += [self.control.get("increment_ms", 0), *increments][-1]
            added += min(self.turn_ms, self.control.get("give_back_ms", 0))
        most = self.control.get("max_bank_ms", self.bank + added)
        self.bank = max(self.bank, min(self.bank + added, most))

    def _fill_overtime(self) -> None:
        # A period that was used is filled, also if a gift has filled the bank since.
        is_begun = self.bank == 0 or self.period < self._period_ms
        if "periods" in self._overtime and is_begun:
            self.period = self._period_ms
        if "turns" in self._overtime and self.bank == 0:
            self.block_turns -= 1
            if self.block_turns == 0:
                self.period, self.block_turns = self._period_ms, self._overtime["turns"]


def control_of(*controls: str | None, increment_ms: int = 0) -> Control:
    """Return the first control that is given as JSON; else one with that increment."""
    given = next((control for control in controls if control), None)
    return json.loads(given) if given else {"increment_ms": increment_ms}
