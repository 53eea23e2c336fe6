"""Time controls as data: which time a turn may use, and what its end gives back.

`docs/time-controls.md` defines the fields; `shared.domain.time_budget` interprets them.
"""

from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache

from shared.domain.errors import Violation
from shared.domain.units import DAY, Millis
from shared.domain.values import Value

MAX_LONG_TIME = Millis(30 * DAY)
"""The longest bank, increment or overtime under a time control."""


class StartOn(StrEnum):
    """The event that lets the clocks run."""

    __hash__ = str.__hash__  # faster than that of `Enum`, which is written in Python

    START = "start"
    FIRST_TURN = "first_turn"


class Overtime(Value, frozen=True):
    """Time after the bank: byo-yomi periods, a Canadian block of turns, or one more bank.

    Exactly one of `periods`, `turns` and `extra_ms` is above 0.
    """

    period_ms: Millis = Millis(0)
    periods: int = 0
    turns: int = 0
    extra_ms: Millis = Millis(0)

    @property
    def total_ms(self) -> Millis:
        """All overtime of an owner who has used none, ms."""
        return Millis(self.period_ms * max(1, self.periods) + self.extra_ms)


class Stage(Value, frozen=True):
    """Begins with the switch that ends the owner's turn number `after_turns`.

    `increment_ms` is None if the increment stays as it was.
    """

    after_turns: int
    add_ms: Millis = Millis(0)
    increment_ms: Millis | None = None


class TimeControl(Value, frozen=True):
    """The time control of a session, a participant or a group."""

    delay_ms: Millis = Millis(0)
    give_back_ms: Millis = Millis(0)
    increment_ms: Millis = Millis(0)
    first_turn: bool = False
    max_bank_ms: Millis | None = None
    overtime: Overtime | None = None
    stages: tuple[Stage, ...] = ()
    hourglass: bool = False
    start_on: StartOn = StartOn.START
    first_turn_within_ms: Millis | None = None

    def increment_after(self, turns: int) -> Millis:
        """Return the increment in the stage that follows `turns` completed turns, ms."""
        increment = self.increment_ms
        for stage in self.stages:
            if stage.after_turns <= turns and stage.increment_ms is not None:
                increment = stage.increment_ms
        return increment

    def added_after(self, turns: int) -> Millis:
        """Return the time that a stage adds at the end of turn number `turns`, ms."""
        return Millis(sum(s.add_ms for s in self.stages if s.after_turns == turns))


@lru_cache(maxsize=256)
def fischer(increment_ms: Millis) -> TimeControl:
    """Return the control of a session that has an increment and no time control.

    Cached, because every look at a clock asks for it.
    """
    return TimeControl(increment_ms=increment_ms)


def control_violations(
    control: TimeControl, field: str, *, is_sessions: bool
) -> Iterator[Violation]:
    """Yield the rules that the fields break together; `field` is the path of the control.

    Only a session's control (`is_sessions`) may be an hourglass or say when the clocks start.
    """
    used = [name for name in ("delay_ms", "give_back_ms") if getattr(control, name)]
    used += [*_increment_fields(control)][:1]
    if len(used) > 1:
        message = f"cannot be combined with {used[0]}"
        yield Violation(f"{field}.{used[1]}", message, "not_allowed")
    if control.first_turn and not control.increment_ms:
        yield Violation(f"{field}.first_turn", "needs an increment_ms above 0ms", "not_allowed")
    if control.hourglass and _beside_hourglass(control):
        name = _beside_hourglass(control)
        yield Violation(f"{field}.{name}", "cannot be combined with hourglass", "not_allowed")
    yield from _overtime_violations(control.overtime, f"{field}.overtime")
    yield from _stage_violations(control.stages, f"{field}.stages")
    yield from _start_violations(control, field, is_sessions=is_sessions)


def _increment_fields(control: TimeControl) -> Iterator[str]:
    if control.increment_ms:
        yield "increment_ms"
    for position, stage in enumerate(control.stages):
        if stage.increment_ms:
            yield f"stages.{position}.increment_ms"


def _beside_hourglass(control: TimeControl) -> str | None:
    names = ("delay_ms", "give_back_ms", "increment_ms", "max_bank_ms", "overtime", "stages")
    return next((name for name in names if getattr(control, name)), None)


def _overtime_violations(overtime: Overtime | None, field: str) -> Iterator[Violation]:
    if overtime is None:
        return
    forms = [name for name in ("periods", "turns", "extra_ms") if getattr(overtime, name)]
    if len(forms) != 1:
        yield Violation(
            field, "must have exactly one of periods, turns and extra_ms", "one_of_three"
        )
    elif (forms[0] == "extra_ms") == bool(overtime.period_ms):
        message = "is for periods or turns" if overtime.period_ms else "is required"
        code = "not_allowed" if overtime.period_ms else "missing"
        yield Violation(f"{field}.period_ms", message, code)
    elif overtime.total_ms > MAX_LONG_TIME:
        yield Violation(field, f"cannot exceed {MAX_LONG_TIME}ms in total", "too_large")


def _stage_violations(stages: tuple[Stage, ...], field: str) -> Iterator[Violation]:
    for position in range(1, len(stages)):
        if stages[position].after_turns <= stages[position - 1].after_turns:
            message = "must be above that of the stage before"
            yield Violation(f"{field}.{position}.after_turns", message, "not_rising")


def _start_violations(
    control: TimeControl, field: str, *, is_sessions: bool
) -> Iterator[Violation]:
    waits = control.start_on is StartOn.FIRST_TURN
    if control.first_turn_within_ms is not None and not waits:
        message = "needs start_on first_turn"
        yield Violation(f"{field}.first_turn_within_ms", message, "not_allowed")
    if is_sessions:
        return
    message = "is for the session's time_control only"
    for name, is_set in (("start_on", waits), ("hourglass", control.hourglass)):
        if is_set:
            yield Violation(f"{field}.{name}", message, "not_allowed")
